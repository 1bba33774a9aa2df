// Where the jurors write what no row holds: between the last row of votes and their signatures.

import type { FormView, PageView } from '../backend';
import type { Box } from './viewport';

/** How far below the last row the constancias reach, as a share of the page's height. */
const REACH = 0.22;
/** Less room than this below the rows of a page holds none. */
const LEAST = 0.1;

/** The page that has room below its rows, and where; the last page that has. Null where no page has. */
export function constanciasOf(form: FormView): { page: PageView; place: Box } | null {
  for (const page of form.pages.toReversed()) {
    const ends = form.cells.filter((cell) => cell.page === page.page).map(({ place }) => place.y + place.height);
    const top = ends.length === 0 ? 0 : Math.max(...ends);
    // A page without rows that is read after those with them holds constancias and signatures alone.
    const y = ends.length === 0 ? page.height * 0.25 : top + page.height * 0.01;
    if (page.height - y >= page.height * LEAST) {
      return { page, place: { x: 0, y, width: page.width, height: Math.min(page.height * REACH, page.height - y) } };
    }
  }
  return null;
}
