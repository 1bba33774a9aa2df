import type { CellState } from '../../backend';

/** The sign beside each state's colour. */
export const CELL_SIGNS: Record<CellState, string> = {
  READ: '·',
  FILLER: '•',
  BLANK: '–',
  DOUBTFUL: '?',
  CONFIRMED: '✓',
  CORRECTED: '✎',
};
