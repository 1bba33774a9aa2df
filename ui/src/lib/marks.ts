// Marks of a cell: a digit, `*` for a filler, `_` for a blank, `?` where nothing can be said.

/** Three marks, hundreds first, as they stand on the paper. */
export type Marks = [string, string, string];

const isDigit = (mark: string): boolean => /^[0-9]$/.test(mark);

/** The mark that a typed key stands for, or null. */
export function markOfKey(key: string): string | null {
  return isDigit(key) ? key : null;
}

/**
 * The number that three marks mean: 0 for fillers only, null when nothing is written or nothing can be said.
 *
 * Only for drawing before the desk has answered; the desk's own reading of the marks replaces it. A filler or blank
 * after a digit takes the more natural of its two meanings, as castor-domain's grammar does.
 */
export function valueOf(marks: Marks): number | null {
  if (marks.includes('?')) return null;
  if (marks.every((mark) => mark === '_')) return null;
  let joined = 0;
  let inPlace = 0;
  let gap = false;
  let closedGap = false;
  for (const mark of marks) {
    inPlace *= 10;
    if (isDigit(mark)) {
      joined = joined * 10 + Number(mark);
      inPlace += Number(mark);
      closedGap ||= gap;
    } else if (joined > 0) {
      gap = true;
    }
  }
  return closedGap ? inPlace : joined;
}

/** Whether a reading can be confirmed as it stands: nothing in it is unknown. */
export function isSayable(marks: Marks): boolean {
  return !marks.includes('?');
}

/**
 * Fewer than three typed marks, moved to the right as jurors write. The boxes left of them keep the fillers that the
 * machine saw there, else they are blank.
 */
export function rightAligned(typed: readonly string[], machine: Marks): Marks {
  const empty = 3 - typed.length;
  return [0, 1, 2].map((box) => (box < empty ? (machine[box] === '*' ? '*' : '_') : typed[box - empty])) as Marks;
}

/** A number as three boxes, with the machine's fillers kept left of it. */
export function marksOfNumber(value: number, machine: Marks): Marks {
  return rightAligned([...String(value)], machine);
}

/** A mark as a person sees it drawn. */
export function shownMark(mark: string): string {
  if (mark === '*') return '•';
  if (mark === '_') return '';
  return mark;
}
