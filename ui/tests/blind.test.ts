import { describe, expect, it } from 'vitest';
import type { CellView } from '../src/backend';
import { coversOf } from '../src/lib/blind';
import type { Box } from '../src/lib/viewport';
import { freshForm } from './fake/forms.mjs';

const meets = (a: Box, b: Box) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const cell = (path: string, x: number, y: number) => ({ path, place: { x, y, width: 240, height: 70 } }) as CellView;
const page = { width: 1000, height: 3000 };

describe('reading without names', () => {
  it('hides no box of any kind of form', () => {
    for (const n of [0, 1, 2]) {
      const cells = freshForm(n).cells as CellView[];
      for (const number of new Set(cells.map((one) => one.page))) {
        const here = cells.filter((one) => one.page === number);
        for (const cover of coversOf(here, page)) for (const { place } of here) expect(meets(cover, place)).toBe(false);
      }
    }
  });

  it('covers beside a candidate half-way to the next, and over a list as wide as its row', () => {
    const candidates = coversOf([cell('nivelacion.urna', 700, 100), cell('candidato.1', 700, 370), cell('candidato.2', 700, 840)], page);
    expect(candidates.map(({ y, height }) => [y, y + height])).toEqual([[270, 640], [640, 1955]]);
    expect(candidates.every(({ x, width }) => x === 0 && x + width < 700)).toBe(true);
    const [beside, over] = coversOf([cell('lista.11.solo_lista', 700, 900)], page);
    expect([beside?.y, over?.y, over && over.x + over.width]).toEqual([732, 732, 940]);
    expect(over && over.y + over.height).toBeLessThan(900);
  });

  it('ends at the boxes of the column before', () => {
    const covers = coversOf([cell('candidato.1', 200, 400), cell('candidato.2', 700, 410)], page);
    expect(covers.map(({ x }) => x)).toEqual([0, 440]);
  });
});
