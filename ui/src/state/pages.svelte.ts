import { DeskFailure } from '../backend';

const SIZE = 50;

/** A long list that comes from the server page by page, the newest first. */
export class Pages<Row extends { id: unknown }> {
  /** Null until the first page has come. */
  rows = $state.raw<readonly Row[] | null>(null);
  /** Whether there is another page. */
  more = $state(false);
  busy = $state(false);
  failure = $state.raw<DeskFailure | null>(null);

  readonly #fetch: (after: Row | null, limit: number) => Promise<Row[]>;
  // Answers to older questions count for nothing.
  #asked = 0;

  constructor(fetch: (after: Row | null, limit: number) => Promise<Row[]>) {
    this.#fetch = fetch;
  }

  /** The first page anew. Rows of before stay in sight until it has come, also when it does not. */
  load = (): Promise<void> => this.#take(null);

  /** The page after the last row. */
  next = (): Promise<void> => this.#take(this.rows?.at(-1) ?? null);

  /** A row that changed. */
  put(row: Row): void {
    this.rows = this.rows?.map((old) => (old.id === row.id ? row : old)) ?? null;
  }

  async #take(after: Row | null): Promise<void> {
    const turn = (this.#asked += 1);
    this.busy = true;
    try {
      const found = await this.#fetch(after, SIZE);
      if (turn !== this.#asked) return;
      this.rows = after === null ? found : [...(this.rows ?? []), ...found];
      this.more = found.length === SIZE;
      this.failure = null;
    } catch (error) {
      if (turn === this.#asked) this.failure = DeskFailure.from(error);
    } finally {
      if (turn === this.#asked) this.busy = false;
    }
  }
}
