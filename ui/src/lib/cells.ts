import type { CellAction, CellReading, CellView, FormView } from '../backend';
import { valueOf } from './marks';

/** Cells that stand together on the form: nivelación, candidates, one list, special rows, total. */
export interface CellGroup {
  id: string;
  kind: 'nivelacion' | 'candidatos' | 'lista' | 'especiales' | 'total';
  /** Code of a list. */
  list: string | null;
  cells: CellView[];
}

/** The reading that counts: the person's, else the machine's. */
export function standing(cell: CellView): CellReading {
  return cell.decision?.reading ?? cell.machine;
}

function kindOf(path: string): [CellGroup['kind'], string | null] {
  const [head, code] = path.split('.');
  if (head === 'nivelacion') return ['nivelacion', null];
  if (head === 'candidato') return ['candidatos', null];
  if (head === 'lista') return ['lista', code ?? ''];
  if (head === 'total') return ['total', null];
  return ['especiales', null];
}

/** Cells in groups, in the order of the form. Cámara forms repeat special rows, so only neighbours are joined. */
export function groupsOf(cells: readonly CellView[]): CellGroup[] {
  const groups: CellGroup[] = [];
  for (const cell of cells) {
    const [kind, list] = kindOf(cell.path);
    const last = groups.at(-1);
    if (last && last.kind === kind && last.list === list) last.cells.push(cell);
    else groups.push({ id: `${kind}/${list ?? ''}/${cell.key}`, kind, list, cells: [cell] });
  }
  return groups;
}

export function waits(cell: CellView): boolean {
  return cell.state === 'DOUBTFUL';
}

/** The neighbour of a cell in a direction; the same cell at an end. */
export function neighbour(cells: readonly CellView[], key: string | null, step: 1 | -1): string | null {
  const at = cells.findIndex((cell) => cell.key === key);
  return (cells[at + step] ?? cells[at] ?? cells[0])?.key ?? null;
}

/** The next cell that waits for a person, starting over at the end; null when none waits. */
export function nextWaiting(cells: readonly CellView[], key: string | null, step: 1 | -1 = 1): string | null {
  const at = cells.findIndex((cell) => cell.key === key);
  for (let n = 1; n <= cells.length; n += 1) {
    const cell = cells[(((at + step * n) % cells.length) + cells.length) % cells.length];
    if (cell && waits(cell)) return cell.key;
  }
  return null;
}

/** A form as it will look once the desk has taken an action on a cell. */
export function withDecision(form: FormView, key: string, action: CellAction, by: string, at: string): FormView {
  return { ...form, cells: form.cells.map((cell) => (cell.key === key ? decided(cell, action, by, at, form.sight === 'blind') : cell)) };
}

function decided(cell: CellView, action: CellAction, by: string, at: string, blind: boolean): CellView {
  const marks = action.kind === 'correct' ? action.marks : standing(cell).marks;
  const value = action.kind === 'correct' ? valueOf(action.marks) : standing(cell).value;
  // A blind reader is not told whether the machine read the same.
  const same = blind || marks.join('') === cell.machine.marks.join('');
  return {
    ...cell,
    state: same ? 'CONFIRMED' : 'CORRECTED',
    decision: { reading: { marks, value, confidence: 1 }, by, at },
    value,
  };
}

/** The new form with every unchanged cell being the same object as before, so that only what changed is drawn again. */
export function sharingCells(before: FormView | null, after: FormView): FormView {
  if (before === null || before.item.id !== after.item.id) return after;
  const known = new Map(before.cells.map((cell) => [cell.key, cell]));
  return {
    ...after,
    cells: after.cells.map((cell) => {
      const old = known.get(cell.key);
      return old && JSON.stringify(old) === JSON.stringify(cell) ? old : cell;
    }),
  };
}

/** The first cell whose decision differs between two views of a form: where an undo happened. */
export function changedCell(before: FormView, after: FormView): string | null {
  const known = new Map(before.cells.map((cell) => [cell.key, cell]));
  const words = (cell: CellView | undefined) => JSON.stringify([cell?.state, cell?.decision ?? null]);
  return after.cells.find((cell) => words(known.get(cell.key)) !== words(cell))?.key ?? null;
}
