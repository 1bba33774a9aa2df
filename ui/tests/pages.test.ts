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

  it('shows no rows of another question, nor goes on from them, when the answer does not come', async () => {
    const asked: (number | null)[] = [];
    let answer: () => Promise<Row[]> = async () => rows(50, 50);
    const pages = new Pages<Row>((after) => {
      asked.push(after?.id ?? null);
      return answer();
    });
    await pages.load();
    answer = () => Promise.reject(new DeskFailure('SERVER_UNREACHABLE', ''));
    const other = pages.loadOther();
    // Asked in between, it is still the first page.
    await pages.next();
    await other;
    expect([pages.rows, pages.more, pages.failure?.code]).toEqual([null, false, 'SERVER_UNREACHABLE']);
    answer = async () => [{ id: 7 }];
    await pages.retry();
    expect([pages.rows, pages.failure, asked]).toEqual([[{ id: 7 }], null, [null, null, null, null]]);
  });

  it('asks again for the page that did not come, and keeps those that did', async () => {
    let answer: (after: Row | null) => Promise<Row[]> = async (after) => (after === null ? rows(150, 50) : rows(after.id - 1, 50));
    const pages = new Pages<Row>((after) => answer(after));
    await pages.load();
    const whole = answer;
    answer = () => Promise.reject(new DeskFailure('SERVER_UNREACHABLE', ''));
    await pages.next();
    expect([pages.rows?.length, pages.failure?.code]).toEqual([50, 'SERVER_UNREACHABLE']);
    answer = whole;
    await pages.retry();
    expect([pages.rows?.length, pages.rows?.at(-1)?.id, pages.failure]).toEqual([100, 51, null]);
  });

  it('can be leafed through while its first page is asked for anew', async () => {
    const waiting: ((rows: Row[]) => void)[] = [];
    const pages = new Pages<Row>(() => new Promise((done) => waiting.push(done)));
    const first = pages.load();
    waiting[0]?.(rows(100, 50));
    await first;
    const [anew, next] = [pages.load(), pages.next()];
    expect([pages.busy, pages.leafing]).toEqual([true, true]);
    waiting[2]?.(rows(50, 20));
    await next;
    waiting[1]?.(rows(101, 50));
    await anew;
    expect([pages.rows?.length, pages.more, pages.busy, pages.leafing]).toEqual([70, false, false, false]);
  });

  it('puts a changed row where it was', async () => {
    const pages = new Pages<Row & { name?: string }>(async () => rows(3, 3));
    await pages.load();
    pages.put({ id: 2, name: 'new' });
    expect(pages.rows).toEqual([{ id: 3 }, { id: 2, name: 'new' }, { id: 1 }]);
  });
});
