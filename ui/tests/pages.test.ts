import { describe, expect, it } from 'vitest';
import { DeskFailure } from '../src/backend';
import { Pages } from '../src/state/pages.svelte';

interface Row { id: number }
const rows = (from: number, count: number): Row[] => Array.from({ length: count }, (_, n) => ({ id: from - n }));

describe('a list that comes by pages', () => {
  it('asks for the page after the last row until one is not full', async () => {
    const asked: (number | null)[] = [];
    const pages = new Pages<Row>(async (after, limit) => {
      asked.push(after?.id ?? null);
      return rows((after?.id ?? 121) - 1, after === null || after.id > 60 ? limit : 20);
    });
    await pages.load();
    expect([pages.rows?.length, pages.more]).toEqual([50, true]);
    await pages.next();
    await pages.next();
    expect([pages.rows?.length, pages.more, asked]).toEqual([120, false, [null, 71, 21]]);
  });

  it('takes no answer to an older question', async () => {
    const waiting: ((rows: Row[]) => void)[] = [];
    const pages = new Pages<Row>(() => new Promise((done) => waiting.push(done)));
    const [old, young] = [pages.load(), pages.load()];
    waiting[1]?.([{ id: 2 }]);
    await young;
    waiting[0]?.([{ id: 1 }]);
    await old;
    expect(pages.rows).toEqual([{ id: 2 }]);
    expect(pages.busy).toBe(false);
  });

  it('keeps what came last in sight when the server does not answer', async () => {
    let answer: () => Promise<Row[]> = async () => [{ id: 1 }];
    const pages = new Pages<Row>(() => answer());
    await pages.load();
    answer = () => Promise.reject(new DeskFailure('SERVER_UNREACHABLE', ''));
    await pages.load();
    expect([pages.rows, pages.failure?.code]).toEqual([[{ id: 1 }], 'SERVER_UNREACHABLE']);
    answer = async () => [];
    await pages.load();
    expect([pages.rows, pages.failure]).toEqual([[], null]);
  });

  it('puts a changed row where it was', async () => {
    const pages = new Pages<Row & { name?: string }>(async () => rows(3, 3));
    await pages.load();
    pages.put({ id: 2, name: 'new' });
    expect(pages.rows).toEqual([{ id: 3 }, { id: 2, name: 'new' }, { id: 1 }]);
  });
});
