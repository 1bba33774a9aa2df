import { describe, expect, it } from 'vitest';
import type { CellView, FormView } from '../src/backend';
import { adviceFor } from '../src/lib/advice';
import { changedCell, groupsOf, neighbour, nextWaiting, sharingCells, withDecision } from '../src/lib/cells';

function cell(path: string, more: Partial<CellView> = {}): CellView {
  return {
    key: `1/${path}`, path, page: 1, label: path, name: null, place: { x: 0, y: 0, width: 1, height: 1 }, state: 'READ', reasons: [],
    machine: { marks: ['_', '3', '4'], value: 34, confidence: 0.7 }, readings: [], alternatives: [], suggestion: null, decision: null, value: 34, ...more,
  };
}

const form = (cells: CellView[]) => ({ item: { id: 'a' }, cells }) as unknown as FormView;

describe('cells of a form', () => {
  const cells = [cell('nivelacion.urna'), cell('candidato.1', { state: 'DOUBTFUL' }), cell('candidato.2'), cell('blanco', { state: 'DOUBTFUL' }), cell('total')];

  it('stand in the groups of the form', () => {
    expect(groupsOf(cells).map((group) => [group.kind, group.cells.length])).toEqual([['nivelacion', 1], ['candidatos', 2], ['especiales', 1], ['total', 1]]);
    const lists = [cell('lista.11.solo_lista'), cell('lista.11.candidato.1'), cell('lista.63.solo_lista'), cell('blanco')];
    expect(groupsOf(lists).map((group) => group.list)).toEqual(['11', '63', null]);
  });

  it('lead from doubt to doubt, round the end', () => {
    expect(nextWaiting(cells, null)).toBe('1/candidato.1');
    expect(nextWaiting(cells, '1/candidato.1')).toBe('1/blanco');
    expect(nextWaiting(cells, '1/blanco')).toBe('1/candidato.1');
    expect(nextWaiting(cells, '1/blanco', -1)).toBe('1/candidato.1');
    expect(nextWaiting([cell('total')], '1/total')).toBeNull();
  });

  it('have neighbours, and none beyond the ends', () => {
    expect(neighbour(cells, '1/total', 1)).toBe('1/total');
    expect(neighbour(cells, '1/total', -1)).toBe('1/blanco');
    expect(neighbour([], null, 1)).toBeNull();
  });

  it('are drawn as decided before the desk answers', () => {
    const confirmed = withDecision(form(cells), '1/candidato.1', { kind: 'confirm' }, 'Ana', 'now').cells[1];
    expect(confirmed).toMatchObject({ state: 'CONFIRMED', value: 34, decision: { by: 'Ana' } });
    const corrected = withDecision(form(cells), '1/candidato.1', { kind: 'correct', marks: ['*', '8', '4'] }, 'Ana', 'now').cells[1];
    expect(corrected).toMatchObject({ state: 'CORRECTED', value: 84, machine: { value: 34 } });
  });

  it('stay the same objects where nothing changed', () => {
    const before = form(cells);
    const after = sharingCells(before, form(structuredClone(withDecision(before, '1/blanco', { kind: 'confirm' }, 'Ana', 'now').cells)));
    expect(after.cells[0]).toBe(cells[0]);
    expect(after.cells[3]).not.toBe(cells[3]);
    expect(changedCell(before, after)).toBe('1/blanco');
  });
});

describe('advice', () => {
  it('names the box in which two readings differ', () => {
    expect(adviceFor(cell('candidato.2', { reasons: ['ARITHMETIC'], suggestion: 84 }))).toEqual({ kind: 'box', box: 1, one: '3', other: '8' });
  });

  it('lets the more specific reason win', () => {
    expect(adviceFor(cell('blanco', { reasons: ['LOW_CONFIDENCE', 'OVERWRITTEN'], suggestion: 84 }))).toEqual({ kind: 'reason', reason: 'OVERWRITTEN' });
  });

  it('asks for the number where nothing can be said', () => {
    expect(adviceFor(cell('blanco', { machine: { marks: ['?', '3', '4'], value: null, confidence: 0 } }))).toEqual({ kind: 'unreadable' });
  });
});
