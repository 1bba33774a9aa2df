// Where a page lies in its window: page pixels times `scale`, moved by `x`, `y`.

export interface Placing {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Box extends Size {
  x: number;
  y: number;
}

/** Quarter turns clockwise. */
export type Turn = 0 | 1 | 2 | 3;

export const MOST_ZOOM = 12;

/** Size of a page after turning. */
export function turnedSize(page: Size, turn: Turn): Size {
  return turn % 2 === 0 ? page : { width: page.height, height: page.width };
}

/** A rectangle of the page after turning the page. */
export function turnedBox(page: Size, box: Box, turn: Turn): Box {
  switch (turn) {
    case 0:
      return box;
    case 1:
      return { x: page.height - box.y - box.height, y: box.x, width: box.height, height: box.width };
    case 2:
      return { ...box, x: page.width - box.x - box.width, y: page.height - box.y - box.height };
    case 3:
      return { x: box.y, y: page.width - box.x - box.width, width: box.height, height: box.width };
  }
}

/** Least scale: the whole page, a little smaller than its window. */
function leastZoom(page: Size, window: Size): number {
  return Math.min(window.width / page.width, window.height / page.height, 1) * 0.8;
}

/** Keeps the page from leaving its window: centred when smaller, without empty edges when larger. */
export function held(placing: Placing, page: Size, window: Size): Placing {
  const scale = Math.min(MOST_ZOOM, Math.max(leastZoom(page, window), placing.scale));
  const hold = (offset: number, length: number, room: number): number => {
    if (length <= room) return (room - length) / 2;
    // Half of the window may be empty, so that a cell at the very edge can still stand in the middle.
    return Math.min(room / 2, Math.max(room / 2 - length, offset));
  };
  return {
    scale,
    x: hold(placing.x, page.width * scale, window.width),
    y: hold(placing.y, page.height * scale, window.height),
  };
}

/** The whole page. */
export function fitPage(page: Size, window: Size): Placing {
  const scale = Math.min(window.width / page.width, window.height / page.height) * 0.98;
  return held({ scale, x: 0, y: 0 }, page, window);
}

/** The row of a cell: its three boxes and the printed label, which stands to their left. */
export function rowOf(cell: Box, page: Size): Box {
  const left = Math.max(0, cell.x - cell.width * 3.1);
  const right = Math.min(page.width, cell.x + cell.width * 1.2);
  return { x: left, y: cell.y, width: right - left, height: cell.height };
}

/** Scale at which a row fills the window's width. */
export function rowScale(row: Box, window: Size): number {
  return Math.min((window.width * 0.95) / row.width, (window.height * 0.5) / row.height, MOST_ZOOM);
}

/** A rectangle in the middle of the window at a scale; a row wider than the window shows its right end, the boxes. */
export function centred(box: Box, scale: number, page: Size, window: Size): Placing {
  const wide = box.width * scale > window.width;
  const x = wide ? window.width - (box.x + box.width) * scale : window.width / 2 - (box.x + box.width / 2) * scale;
  const placed = held({ scale, x, y: window.height / 2 - (box.y + box.height / 2) * scale }, page, window);
  // Sideways a page as wide as its window need not move at all.
  const width = page.width * scale;
  if (width > window.width) placed.x = Math.min(0, Math.max(window.width - width, placed.x));
  return placed;
}

/** Zooms by a factor about a point of the window, which stays over the same spot of the page. */
export function zoomed(placing: Placing, factor: number, at: { x: number; y: number }, page: Size, window: Size): Placing {
  const scale = Math.min(MOST_ZOOM, Math.max(leastZoom(page, window), placing.scale * factor));
  const grown = scale / placing.scale;
  return held({ scale, x: at.x - (at.x - placing.x) * grown, y: at.y - (at.y - placing.y) * grown }, page, window);
}

/** The placing as a CSS transform, the page being turned about its own corner. */
export function transformOf(placing: Placing, page: Size, turn: Turn): string {
  const turns = ['', `translate(${page.height}px, 0) rotate(90deg)`, `translate(${page.width}px, ${page.height}px) rotate(180deg)`,
    `translate(0, ${page.width}px) rotate(270deg)`];
  return `translate(${placing.x}px, ${placing.y}px) scale(${placing.scale}) ${turns[turn] ?? ''}`;
}
