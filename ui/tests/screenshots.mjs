// Writes every screen in light and dark to ui/out/screens. `npm run shots [-- name …]`
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { firstIn, openPage, withDesk, withPages } from './browser.mjs';
import { fakeServer } from './fake-server.mjs';

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
  'desk-admin': { path: '#/admin/users', server: 'online', email: 'admin@example.org', click: 'tr:nth-child(2) td button' },
  settings: { path: '#/settings' },
};

// The console that the server serves.
const CONSOLE = {
  door: { server: { signedIn: false } },
  'door-wrong': { server: { signedIn: false }, type: ['ana@ejemplo.org', 'Tab', 'wrong', 'Enter'] },
  'door-change': { server: { signedIn: false }, type: ['ana@ejemplo.org', 'Tab', 'temporal', 'Enter'] },
  'admin-users': { path: '#/admin/users' },
  'admin-user': { path: '#/admin/users', click: 'td button' },
  'admin-closed': { path: '#/admin/users', click: 'tr:nth-child(8) td button' },
  'admin-role-undo': { path: '#/admin/users', click: 'tr:nth-child(3) td button', select: ['aside select', 'VALIDATOR'], then: '.choice .main' },
  'admin-role': { path: '#/admin/users', click: 'tr:nth-child(3) td button', select: ['aside select', 'VALIDATOR'] },
  'admin-confirm': { path: '#/admin/users', click: 'tr:nth-child(3) td button', then: '.acts button' },
  'admin-new': { path: '#/admin/users', keys: ['n'] },
  'admin-roles': { path: '#/admin/roles' },
  'admin-sessions': { path: '#/admin/sessions' },
  'admin-queue': { path: '#/admin/queue' },
  'admin-queue-none': { path: '#/admin/queue', server: { empty: true } },
  'admin-paused': { path: '#/admin/queue', click: '.end button:first-child' },
  'admin-enqueue': { path: '#/admin/queue', click: '.end > button:last-child' },
  'admin-dead': { path: '#/admin/queue', click: '.chips button:nth-child(5)', server: { bad: true } },
  'admin-leases': { path: '#/admin/queue/leases' },
  'admin-leases-none': { path: '#/admin/queue/leases', server: { empty: true } },
  'admin-leases-confirm': { path: '#/admin/queue/leases', click: '.laptop td button' },
  'admin-workers': { path: '#/admin/workers' },
  'admin-workers-lost': { path: '#/admin/workers', server: { bad: true } },
  'admin-workers-none': { path: '#/admin/workers', server: { empty: true } },
  'admin-leads': { path: '#/admin/leads' },
  'admin-lead': { path: '#/admin/leads', select: ['tbody select', 'convertido'] },
  'admin-leads-none': { path: '#/admin/leads', server: { empty: true } },
  'admin-audit': { path: '#/admin/audit' },
  'admin-health': { path: '#/admin/health' },
  'admin-health-bad': { path: '#/admin/health', server: { bad: true } },
  'admin-offline': { path: '#/admin/users', offline: true },
  'admin-account': { path: '#/admin/account' },
  'admin-nobody': { path: '#/admin/users', server: { role: 'OPERATOR' } },
  'admin-auditor': { path: '#/admin/audit', server: { role: 'AUDITOR' } },
  'admin-english': { path: '#/admin/users', select: ['.foot select', 'en'], click: 'tr:nth-child(2) td button' },
};

async function shootConsole(name, theme, shot) {
  await withPages(async (browser, url) => {
    const page = await openPage(browser, url, { theme, path: shot.path });
    await page.waitForTimeout(500);
    for (const part of shot.type ?? []) await (/^(Tab|Enter)$/.test(part) ? page.keyboard.press(part) : page.keyboard.type(part));
    for (const key of shot.keys ?? []) await page.keyboard.press(key);
    if (shot.click) { await page.click(shot.click); await page.waitForTimeout(300); }
    if (shot.select) await page.selectOption(...shot.select);
    if (shot.then) await page.click(shot.then);
    if (shot.offline) { await page.route('**/api/**', (route) => route.abort()); await page.fill('input[type=search]', 'luz'); }
    await page.waitForTimeout(500);
    await page.screenshot({ path: `${OUT}${name}-${theme}.png` });
    for (const complaint of page.complaints) console.log(`${name}-${theme}: ${complaint}`);
  }, fakeServer(shot.server));
}

const chosen = (name, theme) => wanted.length === 0 || wanted.includes(name) || wanted.includes(`${name}-${theme}`);

await mkdir(OUT, { recursive: true });
for (const theme of ['light', 'dark']) {
  for (const [name, shot] of Object.entries(SHOTS)) {
    if (!chosen(name, theme)) continue;
    await withDesk(async (browser, url) => {
      if (shot.settings) {
        const ask = (command, args) => fetch(`${url}/api/desk/${command}`, { method: 'POST', body: JSON.stringify(args) }).then((answer) => answer.json());
        await ask('settings_save', { settings: { ...(await ask('settings', {})), ...shot.settings } });
      }
      if (shot.server) await fetch(`${url}/api/desk/fake_server`, { method: 'POST', body: JSON.stringify({ state: shot.server, email: shot.email }) });
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
  for (const [name, shot] of Object.entries(CONSOLE)) if (chosen(name, theme)) await shootConsole(name, theme, shot);
}
