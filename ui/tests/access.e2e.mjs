// No screen has a serious finding of axe, in light or dark.
import assert from 'node:assert/strict';
import { seriousFindings } from './axe.mjs';
import { firstIn, openPage } from './browser.mjs';

const SCREENS = ['review', 'copies', 'sources', 'export', 'audit', 'quality', 'server', 'settings'];

export async function accessible(browser, url) {
  // A desk of real forms has none of these states to begin with.
  const TWICE = process.env.DESK_URL ? [] : ['SECOND_READING', 'ADJUDICATION'];
  const serious = [];
  for (const theme of ['light', 'dark']) {
    for (const [name, act] of [
      ...SCREENS.map((screen) => [screen, null]),
      ['review', (page) => page.keyboard.press('?')],
      ['review', (page) => page.keyboard.press('x')],
      ['review', (page) => page.click('[aria-controls="queue-filters"]')],
      ...TWICE.map((state) => ['review', async (page) => page.goto(`${url}/#/review/${await firstIn(url, state)}`)]),
    ]) {
      const page = await openPage(browser, url, { theme, path: `#/${name}` });
      await page.waitForTimeout(600);
      await act?.(page);
      await page.waitForTimeout(150);
      serious.push(...await seriousFindings(page, `${theme} ${name}`));
      await page.context().close();
    }
  }
  assert.deepEqual(serious, []);
  console.log(`axe: no serious finding on ${SCREENS.length} screens, 3 overlays and ${TWICE.length} second readings, light and dark`);
}
