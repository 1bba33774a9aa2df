import { markOfKey, rightAligned, type Marks } from './marks';

/** What typing led to: still typing, or three marks to submit. */
export type EntryStep = { typed: readonly string[]; submit: Marks | null };

/** Takes a typed mark (`0`–`9`, `*`, `_`). The third submits, without Enter. */
export function typeMark(typed: readonly string[], mark: string): EntryStep {
  const next = [...typed, mark];
  return next.length >= 3 ? { typed: [], submit: next.slice(0, 3) as Marks } : { typed: next, submit: null };
}

/** Takes back the last typed mark. */
export function backspace(typed: readonly string[]): readonly string[] {
  return typed.slice(0, -1);
}

/** Enter after one or two marks: they move to the right. */
export function finish(typed: readonly string[], machine: Marks): EntryStep {
  return typed.length === 0 ? { typed, submit: null } : { typed: [], submit: rightAligned(typed, machine) };
}

export { markOfKey };
