import { describe, expect, it } from 'vitest';
import { actionOf, isReserved, KEY_ACTIONS, keyMap, keyName, takenBy, USUAL_KEYS } from '../src/lib/keys';

const press = (key: string, more: Partial<KeyboardEvent> = {}) =>
  ({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...more }) as KeyboardEvent;

describe('keys', () => {
  it.each([
    [press('u'), 'U'], [press('U', { shiftKey: true }), 'Shift+U'], [press('U'), 'U'], [press(' '), 'Space'], [press('ñ'), 'Ñ'],
    [press('?', { shiftKey: true }), '?'], [press('?'), '?'], [press('*', { shiftKey: true }), '*'], [press('Tab', { shiftKey: true }), 'Shift+Tab'],
    [press('Enter'), 'Enter'], [press('8'), '8'],
  ])('%j is named %s', (event, name) => expect(keyName(event)).toBe(name));

  it('leaves the keys of the system alone', () => {
    expect(keyName(press('c', { ctrlKey: true }))).toBeNull();
    expect(keyName(press('Shift', { shiftKey: true }))).toBeNull();
    expect(keyName(press('1', { altKey: true }))).toBeNull();
  });

  it('gives every action a key of its own, and no digit', () => {
    expect(new Set(Object.values(USUAL_KEYS)).size).toBe(KEY_ACTIONS.length);
    for (const key of Object.values(USUAL_KEYS)) expect(isReserved(key)).toBe(false);
  });

  it('takes a person’s own keys and ignores unknown actions', () => {
    const map = keyMap({ escalate: 'Q', dance: 'D' });
    expect(actionOf(map, 'Q')).toBe('escalate');
    expect(actionOf(map, 'X')).toBeNull();
    expect(actionOf(map, 'E')).toBeNull();
    expect(takenBy(map, 'undo', 'Q')).toBe('escalate');
    expect(takenBy(map, 'escalate', 'Q')).toBeNull();
  });
});
