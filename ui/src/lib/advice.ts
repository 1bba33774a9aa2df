import type { CellView } from '../backend';
import { isSayable } from './marks';

/** What to look at in a cell, most specific first. `box` counts from the hundreds. */
export type Advice =
  | { kind: 'unreadable' }
  | { kind: 'box'; box: 0 | 1 | 2; one: string; other: string }
  | { kind: 'reason'; reason: string }
  | { kind: 'whole' };

// The more specific reason wins over the general one.
const SPECIFIC = ['FILLER_AFTER_DIGIT', 'OVERWRITTEN', 'CROSS', 'UNSETTLED_MARK', 'ROW_IDENTITY', 'LAYOUT'];

/** What to tell a person to do first in a doubtful cell. */
export function adviceFor(cell: CellView): Advice {
  if (!isSayable(cell.machine.marks)) return { kind: 'unreadable' };
  const specific = SPECIFIC.find((reason) => cell.reasons.includes(reason));
  if (specific) return { kind: 'reason', reason: specific };
  const rival = cell.suggestion ?? cell.alternatives[0]?.value ?? null;
  if (rival !== null && cell.machine.value !== null) {
    const one = String(cell.machine.value).padStart(3, '0');
    const other = String(rival).padStart(3, '0');
    const differing = ([0, 1, 2] as const).filter((box) => one[box] !== other[box]);
    const box = differing[0];
    if (box !== undefined && differing.length === 1) return { kind: 'box', box, one: one[box] ?? '', other: other[box] ?? '' };
  }
  const reason = cell.reasons[0];
  return reason && reason !== 'LOW_CONFIDENCE' ? { kind: 'reason', reason } : { kind: 'whole' };
}
