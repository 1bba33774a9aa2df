// No screen has a serious finding of axe, in light or dark.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { firstIn, openPage } from './browser.mjs';

const AXE = await readFile(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
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
      // Evaluated by the debugger, which the page's policy does not stop.
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document));
      for (const { id, impact, help, nodes } of violations) {
        const line = `${theme} ${name}: ${impact} ${id}: ${help} (${nodes.length}) ${nodes[0].target.join(' ')}`;
        if (impact === 'serious' || impact === 'critical') serious.push(line);
        else console.log(`  note ${line}`);
      }
      await page.context().close();
    }
  }
  assert.deepEqual(serious, []);
  console.log(`axe: no serious finding on ${SCREENS.length} screens, 3 overlays and ${TWICE.length} second readings, light and dark`);
}
