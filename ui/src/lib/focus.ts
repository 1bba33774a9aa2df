/** Gives the focus to `place` where it was lost with what had it, such as the row that an act took away. */
export function catchFocus(place: HTMLElement | null | undefined): void {
  const now = document.activeElement;
  if (now === null || now === document.body) place?.focus();
}
