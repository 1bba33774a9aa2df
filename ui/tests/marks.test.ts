import { describe, expect, it } from 'vitest';
import { backspace, finish, typeMark } from '../src/lib/entry';
import { marksOfNumber, rightAligned, valueOf, type Marks } from '../src/lib/marks';

/** Types keys as the dock does: digits and `*` are themselves, a space is a blank, `↵` is Enter. */
function typed(keys: string, machine: Marks): Marks | null {
  let marks: readonly string[] = [];
  for (const key of keys) {
    const step = key === '↵' ? finish(marks, machine) : typeMark(marks, key === ' ' ? '_' : key);
    if (step.submit !== null) return step.submit;
    marks = step.typed;
  }
  return null;
}

describe('entry of marks', () => {
  const fillers: Marks = ['*', '*', '3'];
  const blanks: Marks = ['_', '3', '4'];
  it.each<[string, Marks, Marks | null]>([
    ['159', blanks, ['1', '5', '9']],
    ['*84', blanks, ['*', '8', '4']],
    [' 84', fillers, ['_', '8', '4']],
    ['84↵', fillers, ['*', '8', '4']],
    ['84↵', blanks, ['_', '8', '4']],
    ['7↵', fillers, ['*', '*', '7']],
    ['7↵', ['?', '1', '7'], ['_', '_', '7']],
    ['***', blanks, ['*', '*', '*']],
    ['   ', blanks, ['_', '_', '_']],
    ['↵', blanks, null],
    ['15', blanks, null],
  ])('%j over %j gives %j', (keys, machine, marks) => {
    expect(typed(keys, machine)).toEqual(marks);
  });

  it('never needs more than four keys for a cell', () => {
    for (const keys of ['159', '*84', '84↵', '7↵']) {
      expect(keys.length).toBeLessThanOrEqual(4);
      expect(typed(keys, fillers)).not.toBeNull();
    }
  });

  it('takes back one mark at a time', () => {
    expect(backspace(['1', '5'])).toEqual(['1']);
    expect(backspace([])).toEqual([]);
  });
});

describe('what marks mean', () => {
  it.each<[string, number | null]>([
    ['159', 159], ['*84', 84], ['_84', 84], ['**7', 7], ['***', 0], ['___', null], ['_*_', 0], ['0**', 0],
    ['4__', 4], ['1*5', 105], ['?84', null], ['007', 7], ['15_', 15],
  ])('%s is %s', (marks, value) => {
    expect(valueOf([...marks] as Marks)).toBe(value);
  });

  it('every number typed as three marks means itself', () => {
    for (let n = 0; n <= 999; n += 1) expect(valueOf(marksOfNumber(n, ['*', '*', '*']))).toBe(n);
  });

  it('aligns to the right and keeps only fillers of the machine', () => {
    expect(rightAligned(['4'], ['*', '8', '1'])).toEqual(['*', '_', '4']);
  });
});
