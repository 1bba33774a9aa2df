// Jobs, leases and health in the console over made-up data, where the server can be made to fail as a test wants it.
import assert from 'node:assert/strict';
import { seriousFindings } from './axe.mjs';
import { openPage, withPages } from './browser.mjs';
import { fakeServer } from './fake-server.mjs';

const REFUSED = { status: 409, json: { ok: false, error: { code: 'CONFLICT', message: 'only a job that was given up is tried again' } } };
const DOWN = { status: 503, json: { ok: false, error: { code: 'DATABASE_UNAVAILABLE', message: 'the database does not answer' } } };

const shown = (page, text) => page.getByText(text).first().waitFor();
const button = (page, name) => page.getByRole('button', { name, exact: true });
const rows = (page) => page.locator('tbody tr').count();
/** Waits for so many rows: a button that says that it loads has gone before they have come. */
const rowsAre = (page, wanted, selector = 'tbody tr') => page.waitForFunction(([which, n]) => document.querySelectorAll(which).length === n, [selector, wanted]);
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim());

/** The list is asked for at its pace, and its second page can be reached. */
async function leases(browser, url) {
  let asked = 0;
  const page = await openPage(browser, url, { path: '#/admin/queue/leases' });
  page.on('request', (request) => { if (request.url().includes('/api/queue/leases')) asked += 1; });
  const more = button(page, 'Mostrar más');
  await more.waitFor();
  await page.waitForTimeout(1_500);
  assert.ok(asked <= 1, `the list was asked for ${asked} times in 1.5 s`);
  await more.click();
  await rowsAre(page, 64, 'tbody [data-row]');
  assert.equal(await more.count(), 0);
  await page.context().close();
}

/** Orders that fit, and a way back only to what was. */
async function orders(browser, url, bad) {
  const page = await openPage(browser, url, { path: '#/admin/queue' });
  const undo = page.getByRole('button', { name: /^Deshacer/ });
  await button(page, 'Pausar').focus();
  await page.keyboard.press('Enter');
  await shown(page, 'Lectura en pausa');
  assert.equal(await undo.count(), 1);
  assert.equal(await focused(page), 'Seguir', 'the focus is lost with the order');
  await button(page, 'Detener').click();
  await shown(page, 'Lectura detenida');
  assert.equal(await undo.count(), 0, 'what was paused would be started');
  let answer = () => {};
  await page.route('**/api/pipeline/start', async (route) => { await new Promise((done) => (answer = done)); await route.continue(); });
  await button(page, 'Iniciar').click();
  assert.ok(await button(page, 'Iniciando…').isDisabled());
  answer();
  await button(page, 'Pausar').waitFor();
  await page.goto(`${bad}/#/admin/queue`);
  await shown(page, 'Sin trabajadores');
  await button(page, 'Pausar').click();
  await page.context().close();
}

/** What was given up: why, what to do, one and all again, and set aside. */
async function givenUp(browser, url) {
  const page = await openPage(browser, url, { path: '#/admin/queue' });
  await page.getByRole('button', { name: /Abandonados 4$/ }).click();
  await shown(page, 'Mire Salud; cuando responda, use Reintentar.');
  const retry = page.getByRole('button', { name: /^Reintentar: / });
  await rowsAre(page, 4);
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme });
    assert.deepEqual(await seriousFindings(page, `${theme} given up`), []);
  }
  await page.route('**/api/queue/jobs/*/retry', (route) => route.fulfill(REFUSED), { times: 1 });
  await retry.first().click();
  await shown(page, 'Ese trabajo ya no está abandonado');
  const second = await retry.nth(1).getAttribute('aria-label');
  await retry.first().focus();
  await page.keyboard.press('Enter');
  await rowsAre(page, 3);
  assert.equal(await focused(page), second, 'the focus does not go on to the next row');
  await page.getByRole('button', { name: /^Descartar: / }).first().click();
  await page.getByRole('dialog').getByText('Deja de contar entre los abandonados').waitFor();
  await page.keyboard.press('Escape');
  assert.match(await focused(page), /^Descartar: /);
  const third = await retry.nth(1).getAttribute('aria-label');
  await page.getByRole('button', { name: /^Descartar: / }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Descartar' }).click();
  await rowsAre(page, 2);
  await page.waitForFunction(() => document.querySelector('dialog') === null);
  assert.equal(await focused(page), third);
  await button(page, 'Reintentar todas').click();
  await page.getByRole('dialog').getByText('2 actas vuelven a la cola con todos sus intentos.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Reintentar todas' }).click();
  await shown(page, '2 actas vuelven a la cola');
  await shown(page, 'Ningún trabajo en este estado.');
  await page.getByRole('button', { name: /Descartados$/ }).click();
  await retry.first().waitFor();
  await page.context().close();
}

/** Rows of one filter are never shown, nor gone on from, under another; what failed is what is tried again. */
async function filters(browser, url) {
  const page = await openPage(browser, url, { path: '#/admin/queue' });
  const more = button(page, 'Mostrar más');
  const again = button(page, 'Reintentar');
  await more.waitFor();
  await page.route(/before=/, (route) => route.abort());
  await more.click();
  await again.waitFor();
  await page.unroute(/before=/);
  await again.click();
  await rowsAre(page, 60);
  await page.route(/status=DONE/, (route) => route.abort());
  await page.getByRole('button', { name: /Leídos/ }).click();
  await again.waitFor();
  assert.equal(await rows(page), 0, 'rows of another filter stay');
  await page.unroute(/status=DONE/);
  await again.click();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length > 0);
  await page.context().close();
}

/** A table whose forms were read before is not said to be queued. */
async function enqueue(browser, url) {
  const page = await openPage(browser, url, { path: '#/admin/queue' });
  await button(page, 'Mandar a leer…').click();
  for (const [code, value] of [['Depto.', '01'], ['Mpio.', '001'], ['Zona', '01'], ['Puesto', '02'], ['Mesa', '026']]) {
    await page.getByRole('dialog').getByLabel(code, { exact: true }).fill(value);
  }
  await page.getByRole('dialog').getByRole('button', { name: 'Mandar a leer' }).click();
  await shown(page, '0 actas en la cola; 3 ya leídas; 1 abandonada: use Reintentar');
  await page.context().close();
}

/** With its database down the server says so, though its figures do not come. */
async function health(browser, bad) {
  const page = await openPage(browser, bad);
  await page.route('**/api/health/figures', (route) => route.fulfill(DOWN));
  await page.goto(`${bad}/#/admin/health`);
  await shown(page, 'No puede trabajar');
  await shown(page, 'La base de datos del servidor no responde');
  assert.equal(await page.getByText('mire Salud').count(), 0, 'Health sends to Health');
  await page.context().close();
}

const over = (options, act) => withPages(act, fakeServer(options));

export async function queueOfServer() {
  if (process.env.DESK_URL) return;
  await over({}, async (browser, url) => {
    await leases(browser, url);
    await filters(browser, url);
    await enqueue(browser, url);
    await givenUp(browser, url);
    await over({ bad: true }, async (_, bad) => {
      await orders(browser, url, bad);
      await health(browser, bad);
    });
  });
  console.log('queue: leases by pages, orders with their way back, what was given up tried again and set aside; health while a database is down');
}
