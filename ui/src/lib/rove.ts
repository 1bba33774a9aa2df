import { catchFocus } from './focus';

/** Moves the focus among the rows of a list by arrows, Home and End. For `onkeydown` of the list. */
export function rove(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined || at < 0 || (event.target as HTMLElement).matches('select, input, textarea')) return;
  event.preventDefault();
  rows[Math.max(0, Math.min(rows.length - 1, to))]?.focus();
}

/**
 * What gives on the focus once the row of a button that was pressed has gone away with it: to a row after it, else to one before, the
 * nearest that is still there first, else to `otherwise`.
 */
export function goOnFrom({ currentTarget }: MouseEvent): typeof catchFocus {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const pressed = currentTarget instanceof Element ? currentTarget.closest('tr') : null;
  const at = rows.findIndex((row) => row.closest('tr') === pressed);
  const around = [...rows.slice(at + 1), ...rows.slice(0, Math.max(at, 0)).reverse()];
  return (otherwise) => catchFocus(around.find((row) => row.isConnected) ?? otherwise);
}

/** Whether a key is meant for the screen and not for a field. */
export function forScreen(event: KeyboardEvent): boolean {
  const field = event.target instanceof HTMLElement && event.target.matches('input, select, textarea, [contenteditable]');
  return !field && !event.ctrlKey && !event.metaKey && !event.altKey && document.querySelector('dialog[open]') === null;
}
