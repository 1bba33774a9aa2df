import { describe, expect, it } from 'vitest';
import { centred, fitPage, held, MOST_ZOOM, rowOf, rowScale, turnedBox, turnedSize, zoomed, type Turn } from '../src/lib/viewport';
import { scrolledTo, stretchesOf, visibleSpan } from '../src/lib/virtual';

const page = { width: 1000, height: 3000 };
const room = { width: 600, height: 500 };
const cell = { x: 742, y: 1390, width: 248, height: 78 };

describe('the page in its window', () => {
  it('fits as a whole', () => {
    const { scale, x, y } = fitPage(page, room);
    expect(page.height * scale).toBeLessThanOrEqual(room.height);
    expect(x).toBeCloseTo((room.width - page.width * scale) / 2);
    expect(y).toBeCloseTo((room.height - page.height * scale) / 2);
  });

  it('shows a row with its boxes in full, half-way down', () => {
    const row = rowOf(cell, page);
    const scale = rowScale(row, room);
    const placed = centred(row, scale, page, room);
    expect(cell.x * scale + placed.x).toBeGreaterThanOrEqual(0);
    expect((cell.x + cell.width) * scale + placed.x).toBeLessThanOrEqual(room.width);
    expect((cell.y + cell.height / 2) * scale + placed.y).toBeCloseTo(room.height / 2);
  });

  it('keeps the boxes in view however large the zoom', () => {
    const placed = centred(rowOf(cell, page), 2, page, room);
    expect((cell.x + cell.width) * 2 + placed.x).toBeLessThanOrEqual(room.width + 1);
  });

  it('zooms about the pointer', () => {
    const before = { scale: 1, x: -200, y: -900 };
    const at = { x: 300, y: 250 };
    const after = zoomed(before, 1.5, at, page, room);
    expect((at.x - after.x) / after.scale).toBeCloseTo((at.x - before.x) / before.scale);
    expect((at.y - after.y) / after.scale).toBeCloseTo((at.y - before.y) / before.scale);
  });

  it('never loses the page nor magnifies without end', () => {
    expect(zoomed({ scale: 1, x: 0, y: 0 }, 1e6, { x: 0, y: 0 }, page, room).scale).toBe(MOST_ZOOM);
    const far = held({ scale: 1, x: 99_999, y: -99_999 }, page, room);
    expect(far.x).toBeLessThan(room.width);
    expect(far.y + page.height).toBeGreaterThan(0);
  });

  it('turns four times into itself', () => {
    let box = cell;
    let size = page;
    for (let n = 0; n < 4; n += 1) {
      box = turnedBox(size, box, 1);
      size = turnedSize(size, 1);
    }
    expect(box).toEqual(cell);
    expect(turnedBox(page, turnedBox(page, cell, 2), 2)).toEqual(cell);
    for (const turn of [0, 1, 2, 3] as Turn[]) expect(turnedBox(page, cell, turn).x).toBeGreaterThanOrEqual(0);
  });
});

describe('rows of a long list', () => {
  it('draws a handful of a hundred thousand', () => {
    const span = visibleSpan(66 * 50_000, 500, 66, 100_000);
    expect(span.end - span.first).toBeLessThan(24);
    expect(span.first).toBeLessThanOrEqual(50_000);
    expect(stretchesOf(span, 200)).toEqual([249, 250]);
  });

  it('ends with the list', () => {
    expect(visibleSpan(1e9, 500, 66, 10)).toEqual({ first: 10, end: 10 });
    expect(stretchesOf({ first: 0, end: 0 }, 200)).toEqual([]);
  });

  it('scrolls no more than a row needs', () => {
    expect(scrolledTo(3, 0, 500, 66)).toBe(0);
    expect(scrolledTo(10, 0, 500, 66)).toBe(226);
    expect(scrolledTo(1, 500, 500, 66)).toBe(66);
  });
});
