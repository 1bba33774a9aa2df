// The desk itself, `castor desk`, in Chromium with forms that CASTOR draws: from the files to the export, killed in between.
// CASTOR names the program.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { opened, seen, until, waiting } from './review.e2e.mjs';

const castor = process.env.CASTOR ?? resolve('../target/debug/castor');
const work = mkdtempSync(join(tmpdir(), 'castor-desk-'));
const data = join(work, 'data');

/** Starts the desk; resolves with the process and its address with key. */
function start() {
  const desk = spawn(castor, ['desk', '--http', '127.0.0.1:0', '--data', data, '--ui', 'dist'], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((done, failed) => {
    desk.once('exit', (code) => failed(new Error(`castor desk ended with ${code}`)));
    desk.stdout.on('data', (text) => {
      const address = /http:\S+/.exec(String(text));
      if (address) done({ desk, address: address[0] });
    });
  });
}

/** What the desk answers, asked with the page's own cookie. */
const ask = (page, command, args = {}) =>
  page.evaluate(async ([command, args]) => {
    const response = await fetch(`/api/desk/${command}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) });
    return response.json();
  }, [command, args]);

async function settled(page) {
  for (let i = 0; i < 600; i += 1) {
    const status = await ask(page, 'status');
    if (status.import.waiting === 0 && status.import.done > 0) return status;
    await page.waitForTimeout(200);
  }
  throw new Error('the import did not end');
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
let running = null;
try {
  execFileSync(castor, ['sample', join(work, 'samples')]);
  const forms = readdirSync(join(work, 'samples', 'forms')).map((name) => join(work, 'samples', 'forms', name));
  running = await start();
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'es-CO' });
  const page = await context.newPage();

  const stranger = await (await browser.newContext()).newPage();
  const refused = await stranger.goto(new URL(running.address).origin);
  assert.equal(refused.status(), 401, 'the desk opened without its key');

  await page.goto(running.address);
  await page.getByText('Fuentes').first().click();
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Elegir archivos' }).click()]);
  await chooser.setFiles(forms);
  await page.waitForTimeout(500);
  const status = await settled(page);
  assert.equal(status.import.failed, 0);
  console.log(`imported: ${status.import.done} forms, ${status.doubtful} cells wait`);

  // A form with several doubtful cells and a table that sums: the corrected cell must stand at the end.
  const queue = await ask(page, 'queue', { query: { limit: 100 } });
  const item = queue.items.find((one) => one.doubtful > 1);
  await page.goto(`${new URL(running.address).origin}/#/review/${item.id}`);
  await page.reload();
  let now = await opened(page);
  const first = now.current.key;
  for (const key of ['1', '2', '3']) await page.keyboard.press(key);
  now = await until(page, 'the corrected cell', (s) => s.cells[first]?.state === 'CORRECTED');
  assert.equal(now.cells[first].value, '123');
  await page.keyboard.press('u');
  await until(page, 'the cell waits again', (s) => s.cells[first]?.state === 'DOUBTFUL');
  await page.keyboard.press('Shift+U');
  await until(page, 'the correction again', (s) => s.cells[first]?.state === 'CORRECTED');
  await until(page, 'the desk has it', () => true);
  await page.waitForTimeout(300);

  // The laptop dies; nothing that was shown as done is lost.
  running.desk.removeAllListeners('exit');
  running.desk.kill('SIGKILL');
  running = await start();
  await page.goto(running.address);
  await page.goto(`${new URL(running.address).origin}/#/review/${item.id}`);
  await page.reload();
  now = await opened(page);
  assert.equal(now.cells[first].state, 'CORRECTED', 'the correction was lost');

  let keys = 0;
  while (waiting(now).length > 0) {
    const left = waiting(now).length;
    await page.keyboard.press('Enter');
    keys += 1;
    now = await until(page, 'a cell less', (s) => waiting(s).length < left || s.settled);
    if (keys > 400) throw new Error('the form does not end');
  }
  now = await seen(page);
  if (!now.settled) await page.keyboard.press('Enter');
  await until(page, 'the form is done', (s) => s.settled);
  const view = await ask(page, 'form', { id: item.id });
  assert.equal(view.item.state, 'COMPLETED');
  console.log(`confirmed: ${keys} cells with ${keys} keys`);

  const chain = await ask(page, 'audit_verify');
  assert.equal(chain.whole, true);
  await page.getByText('Exportar').first().click();
  await page.locator('button.main').click();
  await page.waitForSelector('[role="status"] >> text=casillas.csv');
  const [folder] = readdirSync(join(data, 'exports'));
  const csv = readFileSync(join(data, 'exports', folder, 'casillas.csv'), 'utf8');
  assert.ok(csv.split('\n').some((line) => line.includes(item.id) && line.includes(',123,123,')), 'the export lacks the correction');
  console.log('exported after a restart, chain whole');
  console.log('ok');
} finally {
  await browser.close();
  running?.desk.removeAllListeners('exit');
  running?.desk.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
}
