import { DeskFailure } from '../backend';

/** How long what was done may be taken back by the notice, in milliseconds. */
const FOR = 12_000;

interface Offer {
  text: string;
  back: (() => Promise<void>) | null;
}

/** The notice of what was just done, with the way back. */
class Undo {
  offer = $state.raw<Offer | null>(null);
  failure = $state.raw<DeskFailure | null>(null);
  /** Where the failure came about, for the words that hold there alone. */
  place = $state<string>();
  /** Somebody is about to use it: it stays. */
  held = $state(false);

  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Says what was done; `back` takes it back. */
  done(text: string, back: (() => Promise<void>) | null = null): void {
    this.failure = null;
    this.offer = { text, back };
    this.#later();
  }

  failed(error: unknown, place?: string): void {
    this.offer = null;
    this.place = place;
    this.failure = DeskFailure.from(error);
  }

  async back(): Promise<void> {
    const act = this.offer?.back;
    this.close();
    try {
      await act?.();
    } catch (error) {
      this.failed(error);
    }
  }

  hold(held: boolean): void {
    this.held = held;
    if (held) clearTimeout(this.#timer);
    else if (this.offer !== null) this.#later();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.offer = null;
    this.failure = null;
    this.held = false;
  }

  #later(): void {
    clearTimeout(this.#timer);
    if (!this.held) this.#timer = setTimeout(() => this.close(), FOR);
  }
}

export const undo = new Undo();
