import { backend, DeskFailure, type QueueItem, type QueueQuery, type StateName } from '../backend';
import { stretchesOf, type Span } from '../lib/virtual';

const STRETCH = 200;

/** States of forms that wait for a person. */
export const WAITING_STATES: StateName[] = ['PENDING', 'IN_PROGRESS', 'ESCALATED', 'SECOND_READING', 'ADJUDICATION'];

export function wholeQueue(): QueueQuery {
  return {
    states: [...WAITING_STATES], reasons: [], corporacion: null, copia: null, departamento: null, municipio: null,
    zona: null, puesto: null, mesa: null, search: '', lent: false, order: 'priority', offset: 0, limit: STRETCH,
  };
}

/** The queue as far as it has been looked at: stretches of rows, fetched when they come into view. */
class Queue {
  query = $state.raw<QueueQuery>(wholeQueue());
  total = $state<number | null>(null);
  failure = $state.raw<DeskFailure | null>(null);
  #stretches = $state.raw<ReadonlyMap<number, readonly QueueItem[]>>(new Map());
  #asked = new Set<number>();
  // Answers to an earlier query are dropped.
  #generation = 0;
  #span: Span = { first: 0, end: STRETCH };

  /** The row at a place; undefined until it has been fetched. */
  row(at: number): QueueItem | undefined {
    return this.#stretches.get(Math.floor(at / STRETCH))?.[at % STRETCH];
  }

  /** Place of a form among the rows fetched so far; -1 when it is not there. */
  placeOf(id: string): number {
    for (const [stretch, items] of this.#stretches) {
      const at = items.findIndex((item) => item.id === id);
      if (at >= 0) return stretch * STRETCH + at;
    }
    return -1;
  }

  /** Fetches what a view of these rows needs. */
  want(span: Span): void {
    this.#span = span;
    for (const stretch of stretchesOf(span, STRETCH)) {
      if (!this.#stretches.has(stretch) && !this.#asked.has(stretch)) void this.#fetch(stretch);
    }
  }

  ask(change: Partial<QueueQuery>): void {
    this.query = { ...this.query, ...change };
    this.#generation += 1;
    this.#asked.clear();
    this.#stretches = new Map();
    this.total = null;
    this.want({ first: 0, end: STRETCH });
  }

  /** Fetches again what is in view, of an empty queue its beginning; rows stay drawn until the new ones are there. */
  refresh(): void {
    this.#generation += 1;
    this.#asked.clear();
    const inView = stretchesOf({ first: this.#span.first, end: Math.max(this.#span.end, this.#span.first + 1) }, STRETCH);
    this.#stretches = new Map([...this.#stretches].filter(([stretch]) => inView.includes(stretch)));
    for (const stretch of inView) void this.#fetch(stretch);
  }

  /** A form has changed: its row says so at once, without a new query. */
  patch(item: QueueItem): void {
    const at = this.placeOf(item.id);
    if (at < 0) return;
    const stretch = Math.floor(at / STRETCH);
    const items = [...(this.#stretches.get(stretch) ?? [])];
    items[at % STRETCH] = item;
    this.#stretches = new Map(this.#stretches).set(stretch, items);
  }

  async #fetch(stretch: number): Promise<void> {
    const generation = this.#generation;
    this.#asked.add(stretch);
    try {
      const page = await backend.queue({ ...this.query, offset: stretch * STRETCH, limit: STRETCH });
      if (generation !== this.#generation) return;
      this.#stretches = new Map(this.#stretches).set(stretch, page.items);
      this.total = page.total;
      this.failure = null;
    } catch (error) {
      if (generation === this.#generation) this.failure = DeskFailure.from(error);
    } finally {
      if (generation === this.#generation) this.#asked.delete(stretch);
    }
  }
}

export const queue = new Queue();
