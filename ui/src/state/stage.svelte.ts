import {
  centred, fitPage, held, rowOf, rowScale, turnedBox, turnedSize, zoomed,
  type Box, type Placing, type Size, type Turn,
} from '../lib/viewport';

type Fit = 'row' | 'page' | 'free';

const CONTRASTS = [1, 1.5, 2.2] as const;

/** How the page image lies on the stage and how it is shown. */
class Stage {
  placing = $state.raw<Placing>({ scale: 1, x: 0, y: 0 });
  turn = $state<Turn>(0);
  inverted = $state(false);
  /** Step of {@link CONTRASTS}. */
  contrast = $state(0);
  /** Whether the last move should be seen as one, not jumped. */
  gliding = $state(false);
  fit = $state<Fit>('row');

  filter = $derived(
    [this.contrast > 0 ? `contrast(${CONTRASTS[this.contrast] ?? 1})` : '', this.inverted ? 'invert(1)' : '']
      .filter(Boolean)
      .join(' ') || 'none',
  );

  #window: Size = { width: 1, height: 1 };
  #page: Size = { width: 1, height: 1 };
  #cell: Box | null = null;
  #placed = false;

  get #turned(): Size {
    return turnedSize(this.#page, this.turn);
  }

  /** The window has another size. */
  resized(window: Size): void {
    this.#window = window;
    this.#place(false);
  }

  /** Another cell or page is looked at. A new form starts at its row; within a form the zoom stays. */
  look(page: Size, cell: Box | null, newForm: boolean): void {
    this.#page = page;
    this.#cell = cell;
    if (newForm) {
      this.turn = 0;
      this.#placed = false;
      if (this.fit === 'free') this.fit = 'row';
    }
    this.#place(!newForm);
  }

  fitRow(): void {
    this.fit = 'row';
    this.#placed = false;
    this.#place(true);
  }

  fitPage(): void {
    this.fit = 'page';
    this.#place(true);
  }

  /** Pixels of the scan as pixels of the screen. */
  original(): void {
    this.zoomBy(1 / devicePixelRatio / this.placing.scale);
  }

  zoomBy(factor: number, at = { x: this.#window.width / 2, y: this.#window.height / 2 }, glide = true): void {
    this.fit = 'free';
    this.gliding = glide;
    this.placing = zoomed(this.placing, factor, at, this.#turned, this.#window);
  }

  panBy(dx: number, dy: number): void {
    this.fit = this.fit === 'page' ? 'free' : this.fit;
    this.gliding = false;
    const { scale, x, y } = this.placing;
    this.placing = held({ scale, x: x + dx, y: y + dy }, this.#turned, this.#window);
  }

  rotate(): void {
    this.turn = ((this.turn + 1) % 4) as Turn;
    this.#place(false);
  }

  invert(): void {
    this.inverted = !this.inverted;
  }

  nextContrast(): void {
    this.contrast = (this.contrast + 1) % CONTRASTS.length;
  }

  #place(glide: boolean): void {
    if (this.#window.width < 2 || this.#page.width < 2) return;
    this.gliding = glide;
    const page = this.#turned;
    if (this.fit === 'page' || this.#cell === null) {
      this.placing = fitPage(page, this.#window);
      return;
    }
    const row = turnedBox(this.#page, rowOf(this.#cell, this.#page), this.turn);
    const scale = this.#placed ? this.placing.scale : rowScale(row, this.#window);
    this.#placed = true;
    this.placing = centred(row, scale, page, this.#window);
  }
}

export const stage = new Stage();
