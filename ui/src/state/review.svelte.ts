import { backend, DeskFailure, type CellAction, type FormAction, type FormView, type StateName } from '../backend';
import { changedCell, neighbour, nextWaiting, sharingCells, standing, waits, withDecision } from '../lib/cells';
import { backspace, finish, typeMark, type EntryStep } from '../lib/entry';
import { isSayable, marksOfNumber } from '../lib/marks';
import { desk } from './desk.svelte';
import { pageImage } from './images';
import { queue } from './queue.svelte';

// Forms that a person closes; a second reading and its decisions end by themselves.
const OPEN_STATES: readonly StateName[] = ['PENDING', 'IN_PROGRESS'];
const CLOSED_STATES: readonly StateName[] = ['COMPLETED', 'ESCALATED', 'REJECTED'];
const CLOSED: readonly StateName[] = ['COMPLETED', 'REJECTED', 'UNREADABLE', 'WAITING'];

type Step =
  | { kind: 'decide'; form: string; cell: string; action: CellAction; at: string }
  | { kind: 'act'; form: string; action: FormAction };

/** Where the person is with a form. `settled`: nothing waits any more, and the form stays in view until they go on. */
export type Phase = 'none' | 'opening' | 'open' | 'settled' | 'failed';

/**
 * The form on the desk.
 *
 * Decisions are drawn before the desk has answered and sent one after the other. An answer replaces what was drawn; a
 * refusal takes back everything not yet answered and returns the cursor to the cell.
 */
class Review {
  form = $state.raw<FormView | null>(null);
  phase = $state<Phase>('none');
  cursor = $state<string | null>(null);
  typed = $state.raw<readonly string[]>([]);
  failure = $state.raw<DeskFailure | null>(null);
  /** The form that a failure is about, when it is not the one on the desk any more. */
  failedForm = $state<string | null>(null);
  /** Cell to go back to after following a finding. */
  backTo = $state<string | null>(null);
  /** Id of the form that would open next; null when none waits or it is not known yet. */
  upcoming = $state.raw<FormView | null>(null);
  /** Steps not yet answered. */
  unanswered = $state(0);

  cell = $derived(this.form?.cells.find((cell) => cell.key === this.cursor) ?? null);
  waiting = $derived(this.form?.cells.filter(waits).length ?? 0);
  /** Whether this person can decide cells in this form's state; not in one that is being left for another. */
  writable = $derived(this.form !== null && this.phase !== 'opening' && !this.form.item.barred && !CLOSED.includes(this.form.item.state));
  /** Whether nothing waits any more as far as is drawn, and the desk has not said yet what that makes of the form. */
  saving = $derived(this.phase === 'settled' && this.unanswered > 0);
  /** Whether the current cell is read blindly or to be decided between readings: nothing in it can simply be confirmed. */
  covered = $derived(this.form !== null && this.form.sight !== 'open' && this.cell !== null && waits(this.cell));
  /** The reading that the typed key chooses among those to be decided between. */
  chosen = $derived.by(() => {
    const [key] = this.typed;
    return key === undefined || this.typed.length > 1 ? null : (this.cell?.readings[Number(key) - 1] ?? null);
  });

  /** Whether a second reading can be asked for. */
  askable = $derived(['COMPLETED', 'ACCEPTED'].includes(this.form?.item.state ?? 'WAITING'));
  /** Whether nothing waits in a form that nobody has closed: it came for its sums, or decisions were undone and redone. */
  finishable = $derived(this.waiting === 0 && this.unanswered === 0 && OPEN_STATES.includes(this.form?.item.state ?? 'WAITING'));

  // Forms looked at before this one, latest last.
  #visited = $state.raw<readonly string[]>([]);
  /** Whether this form has a step to take back, and whether there is another form to go on taking back in. */
  undoable = $derived(this.form?.can_undo === true || this.unanswered > 0);
  behind = $derived(this.#visited.some((id) => id !== this.form?.item.id));

  // What the desk last said, without steps that it has not answered.
  #known: FormView | null = null;
  #steps: Step[] = [];
  #running = false;
  // Enter was pressed while the last answers were on their way: it goes on if the form is done then.
  #goOn = false;
  // A cell to go to in a form that is about to be opened.
  #wish: { form: string; cell: string } | null = null;

  /** Says at which cell a form is to open. */
  wish(form: string, cell: string): void {
    this.#wish = { form, cell };
    if (this.form?.item.id === form) this.#grant();
  }

  #grant(): void {
    const wish = this.#wish;
    if (wish === null || this.form?.item.id !== wish.form) return;
    this.#wish = null;
    if (this.form.cells.some((cell) => cell.key === wish.cell)) this.goTo(wish.cell);
  }

  // The form that is on its way: what was typed into it must not be lost to its coming a second time.
  #coming: { id: string; shown: Promise<void> } | null = null;
  // How often a form was asked for. What is looked for by itself gives way to what was asked for meanwhile.
  #asked = 0;

  async open(id: string, remember = true): Promise<void> {
    this.#asked += 1;
    if (this.form?.item.id === id && this.phase !== 'failed') {
      // Back to the form that was about to be left.
      this.#coming = null;
      if (this.phase === 'opening') this.phase = 'open';
      return;
    }
    if (this.#coming?.id === id) return this.#coming.shown;
    const coming = { id, shown: this.#open(id, remember) };
    this.#coming = coming;
    await coming.shown;
    if (this.#coming === coming) this.#coming = null;
  }

  async #open(id: string, remember: boolean): Promise<void> {
    const ready = this.upcoming?.item.id === id ? this.upcoming : null;
    this.upcoming = null;
    this.failure = null;
    this.failedForm = null;
    const left = this.phase === 'settled';
    if (ready === null) {
      this.phase = 'opening';
      try {
        const form = await backend.form(id);
        // Another form was chosen meanwhile.
        if (this.#coming?.id !== id) return;
        this.#show(form, remember);
      } catch (error) {
        if (this.#coming?.id !== id) return;
        this.failure = DeskFailure.from(error);
        this.phase = 'failed';
      }
    } else {
      this.#show(ready, remember);
    }
    // What was settled leaves the queue now, not while it was being looked at.
    if (left) queue.refresh();
  }

  /** Opens the first form that waits. */
  async openFirst(): Promise<void> {
    await this.#openFound(null);
  }

  async openNext(): Promise<void> {
    if (this.upcoming !== null) await this.open(this.upcoming.item.id);
    else await this.#openFound(this.form?.item.id ?? null);
  }

  async openPrevious(): Promise<void> {
    const here = this.form?.item.id;
    const left = this.#visited.filter((id) => id !== here);
    const before = left.at(-1);
    this.#visited = left.slice(0, -1);
    if (before !== undefined) return this.open(before, false);
    const place = here === undefined ? -1 : queue.placeOf(here);
    const above = place > 0 ? queue.row(place - 1) : undefined;
    if (above) await this.open(above.id, false);
  }

  /** The queue is asked for something else: what comes next changes with it. */
  requeued(): void {
    this.upcoming = null;
    if (this.form !== null) void this.#prepare();
  }

  close(): void {
    this.form = null;
    this.#known = null;
    this.phase = 'none';
    this.cursor = null;
  }

  /** Enter: finishes what was typed, else confirms the reading, else goes on. */
  confirm(): void {
    if (this.saving) {
      this.#goOn = true;
      return;
    }
    if (this.phase === 'settled') return void this.openNext();
    if (this.phase === 'opening') return;
    const cell = this.cell;
    if (cell === null) return;
    if (this.chosen !== null) return this.#decide({ kind: 'correct', marks: this.chosen.marks });
    if (this.typed.length > 0) return this.#type(finish(this.typed, cell.machine.marks));
    if (this.covered) return;
    if (this.finishable) return this.act({ kind: 'complete' });
    if (!waits(cell)) return this.toWaiting(1);
    if (isSayable(standing(cell).marks)) this.#decide({ kind: 'confirm' });
  }

  /** Types a mark into the boxes; the third submits. */
  type(mark: string): void {
    const { cell } = this;
    if (cell === null || !this.writable) return;
    // Where readings are compared Enter decides, since a single figure may be the number of a reading.
    if (cell.readings.length > 0) this.typed = this.typed.length < 3 ? [...this.typed, mark] : this.typed;
    else this.#type(typeMark(this.typed, mark));
  }

  erase(): void {
    this.typed = backspace(this.typed);
  }

  clear(): void {
    this.typed = [];
  }

  /** Chooses one of the readings to be decided between; Enter then decides. */
  choose(n: number): void {
    if (this.writable && this.cell?.readings[n - 1] !== undefined) this.typed = [String(n)];
  }

  /** Asks that somebody else read the form once more. */
  askSecond(): void {
    if (this.askable) this.act({ kind: 'ask_second' });
  }

  /** Takes another number than the machine's: a suggestion or an alternative. */
  take(value: number | null): void {
    const cell = this.cell;
    if (cell === null || !this.writable) return;
    this.#decide({ kind: 'correct', marks: value === null ? ['_', '_', '_'] : marksOfNumber(value, cell.machine.marks) });
  }

  takeSuggestion(): void {
    if (this.cell?.suggestion != null) this.take(this.cell.suggestion);
  }

  goTo(key: string): void {
    this.cursor = key;
    this.typed = [];
  }

  step(direction: 1 | -1): void {
    if (this.form === null) return;
    const key = neighbour(this.form.cells, this.cursor, direction);
    if (key !== null) this.goTo(key);
  }

  toWaiting(direction: 1 | -1): void {
    if (this.form === null) return;
    const key = nextWaiting(this.form.cells, this.cursor, direction);
    if (key !== null) this.goTo(key);
  }

  /** Follows a finding to its cells, one after the other. */
  follow(cells: readonly string[]): void {
    const known = cells.filter((key) => this.form?.cells.some((cell) => cell.key === key));
    const at = this.cursor === null ? -1 : known.indexOf(this.cursor);
    const next = known[(at + 1) % known.length];
    if (next === undefined) return;
    this.backTo ??= this.cursor;
    this.goTo(next);
  }

  /** Follows the failed checks to their cells, one after the other. */
  followFindings(): void {
    const failed = this.form?.checks.filter(({ outcome, code }) => outcome === 'fail' && code !== 'OCR_001') ?? [];
    this.follow([...new Set(failed.flatMap(({ cells }) => cells))]);
  }

  /** Goes back to where a finding was followed from. */
  back(): void {
    if (this.backTo !== null) this.goTo(this.backTo);
    this.backTo = null;
  }

  /** Takes back what is typed, else the last step; where a form has none, the form before it is opened to go on there. */
  undo(): void {
    if (this.typed.length > 0) this.typed = [];
    else if (this.undoable) this.act({ kind: 'undo' });
    else void this.openPrevious();
  }

  act(action: FormAction): void {
    if (this.form === null) return;
    this.failure = null;
    this.#push({ kind: 'act', form: this.form.item.id, action });
  }

  #type(step: EntryStep): void {
    this.typed = step.typed;
    if (step.submit !== null) this.#decide({ kind: 'correct', marks: step.submit });
  }

  #decide(action: CellAction): void {
    const { form, cursor } = this;
    if (form === null || cursor === null || !this.writable) return;
    const step: Step = { kind: 'decide', form: form.item.id, cell: cursor, action, at: new Date().toISOString() };
    this.failure = null;
    this.typed = [];
    this.form = withDecision(form, cursor, action, desk.status?.person ?? '', step.at);
    const next = nextWaiting(this.form.cells, cursor);
    if (next === null) this.phase = 'settled';
    else if (this.backTo === null || this.backTo === cursor) this.cursor = next;
    else this.back();
    this.#push(step);
  }

  #push(step: Step): void {
    this.#steps.push(step);
    this.unanswered = this.#steps.length;
    void this.#run();
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    for (let step = this.#steps[0]; step !== undefined; step = this.#steps[0]) {
      try {
        const answer =
          step.kind === 'decide'
            ? await backend.decide(step.form, step.cell, step.action)
            : await backend.act(step.form, step.action);
        this.#steps.shift();
        this.#answered(step, answer);
      } catch (error) {
        await this.#refused(step, DeskFailure.from(error));
      }
      this.unanswered = this.#steps.length;
    }
    this.#running = false;
    const goOn = this.#goOn && this.phase === 'settled';
    this.#goOn = false;
    if (goOn) await this.openNext();
  }

  #answered(step: Step, answer: FormView): void {
    queue.patch(answer.item);
    const { state } = answer.item;
    if (this.form?.item.id !== answer.item.id) return;
    const before = this.#known;
    this.#known = answer;
    let drawn = answer;
    for (const later of this.#steps) {
      if (later.kind === 'decide') {
        drawn = withDecision(drawn, later.cell, later.action, desk.status?.person ?? '', later.at);
      }
    }
    this.form = sharingCells(this.form, drawn);
    if (step.kind === 'act' && before !== null && (step.action.kind === 'undo' || step.action.kind === 'redo')) {
      const changed = changedCell(before, answer);
      if (changed !== null) this.goTo(changed);
    }
    // The desk closes a form with its last cell, unless a check still fails badly: then the person looks and closes it.
    const more = this.#steps.some((later) => later.form === step.form);
    // What goes on to a second reader or to whoever decides is done for this person.
    const done = CLOSED_STATES.includes(state) || answer.item.barred;
    // While later steps are unanswered, what they made of the form stands.
    if (step.kind === 'decide') {
      if (!more) this.phase = done ? 'settled' : 'open';
    } else this.phase = step.action.kind === 'complete' || done ? 'settled' : 'open';
    if (this.phase === 'settled') {
      void this.#prepare();
      void desk.refresh();
    }
  }

  async #refused(step: Step, failure: DeskFailure): Promise<void> {
    this.#steps = [];
    if (this.form?.item.id !== step.form) {
      this.failure = failure;
      this.failedForm = step.form;
      return;
    }
    const drawn = await backend.form(step.form).catch(() => this.#known);
    if (drawn !== null) {
      this.#known = drawn;
      this.form = sharingCells(this.form, drawn);
    }
    this.failure = failure;
    this.phase = 'open';
    if (step.kind === 'decide') this.goTo(step.cell);
  }

  #show(form: FormView, remember: boolean): void {
    if (remember && this.form !== null) this.#visited = [...this.#visited, this.form.item.id].slice(-200);
    this.form = form;
    this.#known = form;
    this.typed = [];
    this.backTo = null;
    this.cursor = nextWaiting(form.cells, null) ?? form.cells[0]?.key ?? null;
    this.phase = 'open';
    this.#grant();
    void this.#prepare();
  }

  /** Has the next form and its page ready, so that it opens without a wait. */
  async #prepare(): Promise<void> {
    const here = this.form?.item.id ?? null;
    try {
      const id = await backend.next(queue.query, here);
      if (this.form?.item.id !== here) return;
      const next = id === null || id === here ? null : await backend.form(id);
      if (this.form?.item.id !== here) return;
      this.upcoming = next;
      const first = next?.cells.find(waits)?.page ?? next?.pages[0]?.page;
      if (next && first !== undefined) pageImage(next.item.id, first);
    } catch {
      // Only a convenience: opening the form will say what is wrong.
      this.upcoming = null;
    }
  }

  async #openFound(after: string | null): Promise<void> {
    const asked = this.#asked;
    try {
      const id = (await backend.next(queue.query, after)) ?? (after === null ? null : await backend.next(queue.query, null));
      if (this.#asked !== asked) return;
      if (id === null || id === this.form?.item.id) {
        this.upcoming = null;
        if (this.phase === 'settled' || this.form === null) this.close();
      } else {
        await this.open(id);
      }
    } catch (error) {
      if (this.#asked !== asked) return;
      this.failure = DeskFailure.from(error);
      if (this.form === null) this.phase = 'failed';
    }
  }
}

export const review = new Review();
