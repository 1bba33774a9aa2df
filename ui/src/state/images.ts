import { backend } from '../backend';

// Decoded pages kept ready: the one looked at, its neighbours and the first of the next form.
const KEPT = 6;
const ready = new Map<string, HTMLImageElement>();

/** The image of a page, fetched once and kept for a while. */
export function pageImage(form: string, page: number): HTMLImageElement {
  const url = backend.pageUrl(form, page);
  let image = ready.get(url);
  if (image === undefined) {
    image = new Image();
    image.decoding = 'async';
    image.src = url;
    // A page that failed is asked for again the next time.
    image.addEventListener('error', () => ready.delete(url), { once: true });
  }
  ready.delete(url);
  ready.set(url, image);
  for (const old of [...ready.keys()].slice(0, Math.max(0, ready.size - KEPT))) ready.delete(old);
  return image;
}
