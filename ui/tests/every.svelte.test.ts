import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { every } from '../src/state/every.svelte';
import { Pages } from '../src/state/pages.svelte';

const ENOUGH = 20;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('what an act reads before it waits does not make it run again at once', async () => {
  let asked = 0;
  const pages = new Pages<{ id: number }>(async () => {
    asked += 1;
    // Without an end the test would have none either.
    return asked > ENOUGH ? new Promise(() => {}) : [{ id: asked }];
  });
  const end = $effect.root(() => every(1_000, async () => { if (!pages.leafed) await pages.load(); }));
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked).toBe(4);
  end();
  await vi.advanceTimersByTimeAsync(3_000);
  expect(asked).toBe(4);
});
