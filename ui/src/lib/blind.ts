// What hides names, pictures and colours of candidates and parties on a page without hiding a box that is read.

import type { CellView } from '../backend';
import type { Box, Size } from './viewport';

const CANDIDATE = /^candidato\./;
const LIST = /^lista\.[^.]+\.solo_lista$/;
/** Heights of a row that the heading of a list reaches above it, at most. */
const HEADING = 2.4;

const right = ({ x, width }: Box): number => x + width;
const bottom = ({ y, height }: Box): number => y + height;

/** Rectangles that cover what stands beside the boxes of each candidate, and over and beside the first row of each list. */
export function coversOf(cells: readonly CellView[], page: Size): Box[] {
  const boxes = cells.map(({ place }) => place);
  return cells.flatMap(({ path, place }) => {
    const list = LIST.test(path);
    if (!list && !CANDIDATE.test(path)) return [];
    const column = boxes.filter((other) => other.x < right(place) && right(other) > place.x);
    const before = Math.max(0, ...column.filter((other) => other.y < place.y).map(bottom));
    const after = Math.min(page.height, ...column.filter((other) => other.y > place.y).map(({ y }) => y));
    // Half-way to the rows above and below; a list is named right above its first row.
    const top = list ? Math.max(before, place.y - HEADING * place.height) : (before + place.y) / 2;
    const end = list ? bottom(place) : (bottom(place) + after) / 2;
    // Boxes of a column to the left end what belongs to this row.
    const beside = boxes.filter((other) => right(other) <= place.x && other.y < end && bottom(other) > top);
    const x = Math.max(0, ...beside.map(right));
    const covers = [{ x, y: top, width: place.x - place.width * 0.05 - x, height: end - top }];
    if (list) covers.push({ x, y: top, width: right(place) - x, height: place.y - place.height * 0.05 - top });
    return covers.filter((cover) => cover.width > 0 && cover.height > 0);
  });
}
