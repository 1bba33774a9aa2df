import { backend, DeskFailure, type Choice, type ImportStatus, type Watcher } from '../backend';
import { desk } from './desk.svelte';
import { queue } from './queue.svelte';
import { route } from './route.svelte';

/** Files on their way to the desk, from whatever screen they are dropped on. */
class Importing {
  /** Whether files are held over the window. */
  over = $state(false);
  /** How far the files are that are brought now, 0–1; null when none are. */
  share = $state<number | null>(null);
  failure = $state.raw<DeskFailure | null>(null);

  #stop: (() => void) | null = null;
  readonly #watch: Watcher = (share, stop) => {
    this.share = share;
    this.#stop = stop;
  };

  start(): void {
    void backend.listenDrops({
      over: (inside) => (this.over = inside),
      dropped: (bring) => {
        route.go('sources');
        void this.#take(() => bring(this.#watch));
      },
    });
  }

  pick(choice: Choice): Promise<void> {
    return this.#take(() => backend.pickAndImport(choice, this.#watch));
  }

  pause(paused: boolean): Promise<void> {
    return this.#take(() => backend.importPause(paused));
  }

  retry(): Promise<void> {
    return this.#take(() => backend.importRetry());
  }

  /** Ends what is being brought; nothing of it is kept. */
  stop(): void {
    this.#stop?.();
  }

  async #take(act: () => Promise<ImportStatus | null>): Promise<void> {
    this.failure = null;
    try {
      if ((await act()) !== null) {
        await desk.refresh();
        queue.refresh();
      }
    } catch (error) {
      this.failure = DeskFailure.from(error);
    } finally {
      this.share = null;
      this.#stop = null;
    }
  }
}

export const importing = new Importing();
