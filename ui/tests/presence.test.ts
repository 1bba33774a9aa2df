import { beforeEach, describe, expect, it, vi } from 'vitest';

const here = vi.fn(async () => null);
const desk: { account: object | null } = { account: null };
vi.mock('../src/backend', () => ({ backend: { here } }));
vi.mock('../src/state/desk.svelte', () => ({ desk }));

describe('who sits at the desk', () => {
  beforeEach(() => {
    vi.resetModules();
    here.mockReset().mockResolvedValue(null);
    desk.account = {};
  });

  it('is said with the first key and then once a minute', async () => {
    const { somebodyHere } = await import('../src/state/presence');
    for (const now of [0, 1, 59_999, 60_000, 60_001]) somebodyHere(now);
    expect(here).toHaveBeenCalledTimes(2);
  });

  it('is said again with the next key when it did not get through', async () => {
    const { somebodyHere } = await import('../src/state/presence');
    here.mockRejectedValueOnce(new Error('offline'));
    somebodyHere(0);
    await Promise.resolve().then(() => Promise.resolve());
    somebodyHere(1);
    expect(here).toHaveBeenCalledTimes(2);
  });

  it('concerns nobody without a server', async () => {
    const { somebodyHere } = await import('../src/state/presence');
    desk.account = null;
    somebodyHere(0);
    expect(here).not.toHaveBeenCalled();
  });
});
