// Which rows of a long list exist: those in view and a few beside them.

export interface Span {
  first: number;
  /** One past the last row. */
  end: number;
}

/** Rows to draw, with `extra` rows beyond each edge. */
export function visibleSpan(scrollTop: number, height: number, rowHeight: number, total: number, extra = 6): Span {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - extra);
  const end = Math.min(total, Math.ceil((scrollTop + height) / rowHeight) + extra);
  return { first: Math.min(first, end), end };
}

/** Stretches of `size` rows that hold the span. */
export function stretchesOf(span: Span, size: number): number[] {
  if (span.end <= span.first) return [];
  const first = Math.floor(span.first / size);
  const last = Math.floor((span.end - 1) / size);
  return Array.from({ length: last - first + 1 }, (_, n) => first + n);
}

/** Scroll position that brings a row into view, moving as little as possible. */
export function scrolledTo(row: number, scrollTop: number, height: number, rowHeight: number): number {
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  if (top + rowHeight > scrollTop + height) return top + rowHeight - height;
  return scrollTop;
}
