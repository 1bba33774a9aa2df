import { afterEach, beforeEach, expect, test, vi } from 'vitest';

type Changed = (event: { newURL: string }) => void;

/** A browser's address, whose change is told later, as browsers do. */
const browser = { hash: '', told: (() => undefined) as Changed };
const at = (hash: string) => `http://localhost/${hash}`;

beforeEach(() => {
  browser.hash = '';
  vi.stubGlobal('location', browser);
  vi.stubGlobal('window', { addEventListener: (_: string, changed: Changed) => (browser.told = changed) });
  vi.stubGlobal('history', { replaceState: (_state: unknown, _title: string, hash: string) => (browser.hash = hash) });
  vi.resetModules();
});
afterEach(() => vi.unstubAllGlobals());

const started = async () => {
  const { route } = await import('../src/state/route.svelte');
  route.start();
  return route;
};

test('a form that the person went to opens, though another was noted before the browser told of it', async () => {
  const route = await started();
  browser.hash = '#/review/asked';
  route.note('opened-by-itself');
  browser.told({ newURL: at('#/review/asked') });
  expect([route.screen, route.rest]).toEqual(['review', 'asked']);
});

test('an address without a screen leads home, one with odd signs to its form', async () => {
  const route = await started();
  browser.told({ newURL: at('#/nowhere') });
  expect([route.screen, route.rest]).toEqual(['review', null]);
  browser.told({ newURL: at('#/copies/a%2Fb/c%20d') });
  expect([route.screen, route.rest]).toEqual(['copies', 'a/b/c d']);
});
