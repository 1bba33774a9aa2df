// Keys and the actions they stand for. A key is named as a person reads it: `Enter`, `Space`, `U`, `Shift+U`, `?`.

/** Every action with the key it has unless the settings say otherwise. */
export const USUAL_KEYS = {
  confirm: 'Enter',
  filler: '*',
  blank: 'Space',
  erase: 'Backspace',
  undo: 'U',
  redo: 'Shift+U',
  next_cell: 'J',
  previous_cell: 'K',
  next_doubtful: 'Tab',
  previous_doubtful: 'Shift+Tab',
  take_suggestion: 'S',
  next_finding: 'H',
  back: 'B',
  next_form: 'N',
  previous_form: 'P',
  escalate: 'X',
  ask_second: 'D',
  fit_row: 'F',
  fit_page: 'G',
  constancias: 'V',
  next_page: 'PageDown',
  previous_page: 'PageUp',
  pan_left: 'ArrowLeft',
  pan_right: 'ArrowRight',
  pan_up: 'ArrowUp',
  pan_down: 'ArrowDown',
  zoom_in: '+',
  zoom_out: '-',
  rotate: 'R',
  invert: 'I',
  contrast: 'C',
  search: '/',
  help: '?',
} as const;

export type KeyAction = keyof typeof USUAL_KEYS;
export type KeyMap = Readonly<Record<KeyAction, string>>;

export const KEY_ACTIONS = Object.keys(USUAL_KEYS) as KeyAction[];

type PressedKey = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey'>;

/** The name of a pressed key; null for modifiers alone and for keys of the system. */
export function keyName(event: PressedKey): string | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  if (['Shift', 'Control', 'Alt', 'Meta', 'CapsLock', 'Dead', 'Unidentified', 'AltGraph'].includes(event.key)) return null;
  const named = event.key === ' ' ? 'Space' : event.key;
  if (named.length > 1) return event.shiftKey ? `Shift+${named}` : named;
  const upper = named.toLocaleUpperCase('es');
  const letter = upper !== named.toLocaleLowerCase('es');
  // Symbols such as `?` or `*` need Shift on some layouts and not on others: their own sign names them.
  return letter && event.shiftKey ? `Shift+${upper}` : upper;
}

/** The usual keys with the person's own in their place; unknown actions are left out. */
export function keyMap(own: Readonly<Record<string, string>>): KeyMap {
  const map: Record<string, string> = { ...USUAL_KEYS };
  for (const action of KEY_ACTIONS) {
    const key = own[action];
    if (key) map[action] = key;
  }
  return map as KeyMap;
}

/** The action of a key, if it has one. */
export function actionOf(map: KeyMap, key: string): KeyAction | null {
  return KEY_ACTIONS.find((action) => map[action] === key) ?? null;
}

/** Digits fill boxes and can stand for nothing else. */
export function isReserved(key: string): boolean {
  return /^[0-9]$/.test(key) || key === 'Escape' || key === 'F6';
}

/** Another action that already has the key. */
export function takenBy(map: KeyMap, action: KeyAction, key: string): KeyAction | null {
  return KEY_ACTIONS.find((other) => other !== action && map[other] === key) ?? null;
}

/** A key as printed on a button. */
export function printedKey(key: string): string {
  return key
    .replace('Backspace', '⌫')
    .replace('Shift+', '⇧')
    .replace('Enter', '↵')
    .replace('Space', '␣')
    .replace('Tab', '⇥')
    .replace('ArrowLeft', '←')
    .replace('ArrowRight', '→')
    .replace('ArrowUp', '↑')
    .replace('ArrowDown', '↓')
    .replace('PageUp', '⇞')
    .replace('PageDown', '⇟');
}
