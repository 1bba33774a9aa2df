// Writes every screen in light and dark to ui/out/screens. `npm run shots [-- name …]`
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { firstIn, openPage, withDesk } from './browser.mjs';

const OUT = fileURLToPath(new URL('../out/screens/', import.meta.url));
const wanted = process.argv.slice(2);

const SHOTS = {
  review: { path: '#/review' },
  second: { path: '#/review', state: 'SECOND_READING' },
  adjudication: { path: '#/review', state: 'ADJUDICATION', keys: ['1'] },
  barred: { path: '#/review', keys: ['*', '8', '4', 'Enter', 'Enter', 'd'] },
  typing: { path: '#/review', keys: ['*', '8'] },
  corrected: { path: '#/review', keys: ['*', '8', '4', 'k'] },
  settled: { path: '#/review', keys: ['*', '8', '4', 'Enter', 'Enter'] },
  lists: { path: '#/review', keys: ['n'] },
  uninominal: { path: '#/review', keys: ['n', 'n'] },
  page: { path: '#/review', keys: ['g'] },
  help: { path: '#/review', keys: ['?'] },
  escalate: { path: '#/review', keys: ['x'] },
  refused: { path: '#/review', keys: ['9', '9', '9'] },
  filters: { path: '#/review', click: '[aria-controls="queue-filters"]' },
  empty: { path: '#/review', forms: 0 },
  unreachable: { path: '#/review', offline: true },
  blind: { path: '#/review', keys: ['n', 'n'], settings: { blind: true } },
  english: { path: '#/review', settings: { language: 'en' } },
  zoomed: { path: '#/review', keys: ['+', '+', '+', '+', '+', '+', 'j', 'i'] },
  sources: { path: '#/sources' },
  copies: { path: '#/copies' },
  export: { path: '#/export' },
  audit: { path: '#/review', keys: ['*', '8', '4', 'Enter', 'u'], then: '#/audit' },
  quality: { path: '#/quality' },
  server: { path: '#/server' },
  'server-offline': { path: '#/server', server: 'offline' },
  'server-online': { path: '#/server', server: 'online' },
  'server-stopped': { path: '#/server', server: 'stopped' },
  'review-offline': { path: '#/review', server: 'offline' },
  settings: { path: '#/settings' },
};

await mkdir(OUT, { recursive: true });
for (const theme of ['light', 'dark']) {
  for (const [name, shot] of Object.entries(SHOTS)) {
    if (wanted.length > 0 && !wanted.includes(name) && !wanted.includes(`${name}-${theme}`)) continue;
    await withDesk(async (browser, url) => {
      if (shot.settings) {
        const ask = (command, args) => fetch(`${url}/api/desk/${command}`, { method: 'POST', body: JSON.stringify(args) }).then((answer) => answer.json());
        await ask('settings_save', { settings: { ...(await ask('settings', {})), ...shot.settings } });
      }
      if (shot.server) await fetch(`${url}/api/desk/fake_server`, { method: 'POST', body: JSON.stringify({ state: shot.server }) });
      const path = shot.state === undefined ? shot.path : `#/review/${await firstIn(url, shot.state)}`;
      const page = await openPage(browser, url, { theme, path });
      await page.waitForTimeout(700);
      for (const key of shot.keys ?? []) { await page.keyboard.press(key); await page.waitForTimeout(250); }
      if (shot.click) await page.click(shot.click);
      if (shot.offline) { await page.route('**/api/**', (route) => route.abort()); await page.waitForTimeout(3_500); await page.keyboard.press('Enter'); }
      if (shot.then) await page.goto(`${url}/${shot.then}`);
      await page.waitForTimeout(600);
      await page.screenshot({ path: `${OUT}${name}-${theme}.png` });
      for (const complaint of page.complaints) console.log(`${name}-${theme}: ${complaint}`);
    }, { forms: shot.forms ?? 3_000 });
  }
}
