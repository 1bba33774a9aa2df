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
  /** A page looked at without a cell of it being current, and what of it. */
  turnedTo = $state.raw<{ page: number; place: Box | null } | null>(null);

  filter = $derived(
    [this.contrast > 0 ? `contrast(${CONTRASTS[this.contrast] ?? 1})` : '', this.inverted ? 'invert(1)' : '']
      .filter(Boolean)
      .join(' ') || 'none',
  );

  #window: Size = { width: 1, height: 1 };
  #page: Size = { width: 1, height: 1 };
  #cell: Box | null = null;
  #placed = false;
  // The zoom of the cells, while something else is looked at.
  #cells: number | null = null;

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
      this.#cells = null;
      if (this.fit === 'free') this.fit = 'row';
    }
    this.#place(!newForm);
  }

  /** Turns to a page, or to a place of it, until another cell is current. */
  show(page: number, place: Box | null): void {
    this.turnedTo = { page, place };
  }

  /** A place of a page is looked at: as large as it fits. The zoom of the cells stays as it was. */
  lookAt(page: Size, place: Box): void {
    this.#page = page;
    if (this.#window.width < 2) return;
    this.#leaveCells();
    this.gliding = false;
    const box = turnedBox(page, place, this.turn);
    const scale = Math.min(this.#window.width / box.width, this.#window.height / box.height) * 0.98;
    this.placing = centred(box, scale, this.#turned, this.#window);
  }

  #leaveCells(): void {
    if (this.#placed) this.#cells ??= this.placing.scale;
  }

  fitRow(): void {
    this.fit = 'row';
    this.#placed = false;
    this.#cells = null;
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
      if (this.fit !== 'page') this.#leaveCells();
      this.placing = fitPage(page, this.#window);
      return;
    }
    const row = turnedBox(this.#page, rowOf(this.#cell, this.#page), this.turn);
    const scale = this.#cells ?? (this.#placed ? this.placing.scale : rowScale(row, this.#window));
    this.#cells = null;
    this.#placed = true;
    this.placing = centred(row, scale, page, this.#window);
  }
}

export const stage = new Stage();
