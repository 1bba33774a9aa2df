import { DeskFailure } from '../backend';

const SIZE = 50;

/** A long list that comes from the server page by page, the newest first. */
export class Pages<Row extends { id: unknown }> {
  /** Null until the first page has come. */
  rows = $state.raw<readonly Row[] | null>(null);
  /** Whether there is another page. */
  more = $state(false);
  busy = $state(false);
  /** The page after the last row is under way. */
  leafing = $state(false);
  failure = $state.raw<DeskFailure | null>(null);

  readonly #fetch: (after: Row | null, limit: number) => Promise<Row[]>;
  // Answers to older questions count for nothing.
  #asked = 0;
  // The rows in sight answer another question than the one that is asked now.
  #other = false;
  // What failed was the page after the last row.
  #failedAfter = false;

  constructor(fetch: (after: Row | null, limit: number) => Promise<Row[]>) {
    this.#fetch = fetch;
  }

  /** Whether somebody leafed further than the first page. */
  get leafed(): boolean {
    return (this.rows?.length ?? 0) > SIZE;
  }

  /** The first page anew. Rows of before stay in sight until it has come, also when it does not. */
  load = (): Promise<void> => this.#take(null);

  /** The first page of another question: where it does not come, the rows of before go, which are no answer to it. */
  loadOther = (): Promise<void> => {
    this.#other = true;
    return this.#take(null);
  };

  /** The page after the last row. */
  next = (): Promise<void> => this.#take(this.#other ? null : (this.rows?.at(-1) ?? null));

  /** What failed last, once more. */
  retry = (): Promise<void> => (this.#failedAfter ? this.next() : this.load());

  /** A row that changed. */
  put(row: Row): void {
    this.rows = this.rows?.map((old) => (old.id === row.id ? row : old)) ?? null;
  }

  async #take(after: Row | null): Promise<void> {
    const turn = (this.#asked += 1);
    this.busy = true;
    this.leafing = after !== null;
    try {
      const found = await this.#fetch(after, SIZE);
      if (turn !== this.#asked) return;
      this.rows = after === null ? found : [...(this.rows ?? []), ...found];
      this.more = found.length === SIZE;
      this.failure = null;
      this.#other = false;
    } catch (error) {
      if (turn === this.#asked) this.#fail(error, after);
    } finally {
      if (turn === this.#asked) this.busy = this.leafing = false;
    }
  }

  #fail(error: unknown, after: Row | null): void {
    this.failure = DeskFailure.from(error);
    this.#failedAfter = after !== null;
    if (!this.#other) return;
    this.rows = null;
    this.more = false;
  }
}
