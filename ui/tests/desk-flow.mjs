// The work of a person at the desk, from the files to the export, killed in between: the same in the application's window
// and in a browser. A driver starts the desk and types; see window.e2e.mjs and desk.e2e.mjs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { opened, seen, until, waiting } from './review.e2e.mjs';

const FORMS = 20;
// What came as critical, and what is drawn, goes on to a second reader.
const DONE = ['COMPLETED', 'SECOND_READING'];
const castor = process.env.CASTOR ?? resolve('../target/debug/castor');

/** Runs `act(driver, work)` in a new folder that is removed afterwards. */
export async function inNewFolder(makeDriver, act) {
  const work = mkdtempSync(join(tmpdir(), 'castor-desk-'));
  const driver = await makeDriver({ castor, data: join(work, 'data') });
  try {
    await act(driver, work);
  } finally {
    await driver.close();
    // The application may still be ending.
    rmSync(work, { recursive: true, force: true, maxRetries: 50, retryDelay: 200 });
  }
}

/** Files of drawn forms: 20, of every family. */
export function drawn(work) {
  execFileSync(castor, ['sample', '--sets', '3', join(work, 'samples')]);
  const folder = join(work, 'samples', 'forms');
  const files = readdirSync(folder).sort().map((name) => join(folder, name));
  assert.ok(files.length >= FORMS);
  return files.slice(0, FORMS);
}

/** Waits until so many files are dealt with; the status then. */
export async function settled(driver, files) {
  for (let i = 0; i < 1500; i += 1) {
    const status = await driver.ask('status');
    if (status.import.waiting === 0 && status.import.done >= files) return status;
    await driver.page.waitForTimeout(200);
  }
  throw new Error('the import did not end');
}

/** Waits until the desk itself has what the screen shows already; the form. */
async function kept(driver, id, holds) {
  for (let i = 0; i < 400; i += 1) {
    const form = await driver.ask('form', { id });
    if (holds(form)) return form;
    await driver.page.waitForTimeout(20);
  }
  throw new Error('the desk never had it');
}

/** Presses Enter until the form that is open waits for nothing more; how many keys that took. */
async function confirmed(page) {
  let keys = 0;
  let now = await until(page, 'the form says where it stands', (s) => !s.saving);
  while (!now.settled) {
    const left = waiting(now).length;
    await page.keyboard.press('Enter');
    keys += 1;
    now = await until(page, 'a cell less', (s) => !s.saving && (waiting(s).length < left || s.settled));
    if (keys > 1_000) throw new Error('the form does not end');
  }
  return keys;
}

/** Corrects the first doubtful cell of a form by three keys, once it is open; the cell. */
async function corrected(page, form, digits) {
  const now = await opened(page, form);
  const { key } = now.current;
  for (const digit of digits) await page.keyboard.press(digit);
  const after = await until(page, 'the corrected cell', (s) => s.cells[key]?.state === 'CORRECTED');
  assert.equal(after.cells[key].value, digits);
  return key;
}

/** A secret is set and forgotten; what it is can be seen nowhere. */
async function secretsAreKept(driver) {
  const [name, value] = ['openai_api_key', 'a-secret-of-the-test'];
  const set = async () => (await driver.ask('secrets')).secrets.find((one) => one.name === name).set;
  assert.equal(await set(), false);
  const saved = await driver.ask('secret_save', { name, value });
  assert.equal(saved.place.kind, driver.secretsPlace);
  assert.equal(await set(), true);
  assert.ok(!JSON.stringify(saved).includes(value));
  for (const file of readdirSync(driver.data, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(value), `${file.name} holds the secret`);
  }
  await driver.ask('secret_save', { name, value: null });
  assert.equal(await set(), false);
  console.log(`secrets: kept in the ${driver.secretsPlace}`);
}

export async function deskFlow(driver, work) {
  const files = drawn(work);
  await driver.start();
  const { page } = driver;
  await driver.importFiles(files);
  const status = await settled(driver, FORMS);
  assert.equal(status.import.failed, 0);
  assert.equal(status.import.done, FORMS);
  console.log(`imported: ${status.import.done} forms, ${status.doubtful} cells wait`);

  // The queue was empty when the desk opened; what was read stands in it.
  await driver.click('nav', 'Revisar');
  await until(page, 'the queue shows forms', (s) => s.rows > 0);

  // The queue opens with the most urgent form, at its first doubtful cell.
  const query = { order: 'priority', states: ['PENDING'], limit: 100 };
  const { items } = await driver.ask('queue', { query });
  const due = items.filter((item) => item.doubtful > 0);
  assert.ok(due.length > 4, `only ${due.length} drawn forms have doubtful cells`);
  const [first] = due.filter((item) => item.doubtful > 1);
  await driver.open(first.id);
  const cell = await corrected(page, first.id, '123');
  await page.keyboard.press('u');
  await until(page, 'the cell waits again', (s) => s.cells[cell]?.state === 'DOUBTFUL');
  await page.keyboard.press('Shift+U');
  await until(page, 'the correction again', (s) => s.cells[cell]?.state === 'CORRECTED');
  await kept(driver, first.id, (form) => form.cells.find((one) => one.key === cell).value === 123 && !form.can_redo);

  // The laptop dies; nothing that was shown as done is lost.
  await driver.kill();
  await driver.start();
  await driver.open(first.id);
  const now = await opened(driver.page, first.id);
  assert.equal(now.cells[cell].state, 'CORRECTED', 'the correction was lost');

  let cells = 0;
  let keys = 0;
  for (const item of due) {
    await driver.open(item.id);
    if (item.id !== first.id) await corrected(driver.page, item.id, '123');
    else await opened(driver.page, item.id);
    cells += item.doubtful - 1;
    keys += await confirmed(driver.page);
    await kept(driver, item.id, (form) => DONE.includes(form.item.state));
  }
  // A form may take one more key to close; never more than one a cell and one a form.
  assert.ok(keys <= cells + due.length, `${keys} keys for ${cells} cells of ${due.length} forms`);
  console.log(`reviewed: ${due.length} forms by keys alone; ${cells} cells confirmed with ${keys} keys, ${due.length} corrected with 3 keys each`);

  await secretsAreKept(driver);

  const chain = await driver.ask('audit_verify');
  assert.equal(chain.whole, true);
  await driver.click('nav', 'Exportar');
  // Some went on to a second reader, so that they are not reviewed yet.
  await driver.click('label', 'Todas las leídas, también las que esperan revisión');
  await driver.click('button', 'Exportar');
  await until(driver.page, 'the export is named', (s) => /casillas\.csv/.test(s.said));
  const exports = join(driver.data, 'exports');
  const [folder] = readdirSync(exports);
  const lines = readFileSync(join(exports, folder, 'casillas.csv'), 'utf8').split('\n');
  const there = due.filter((item) => lines.some((line) => line.startsWith(item.id) && line.includes(',123,123,')));
  assert.equal(there.length, due.length, 'the export lacks corrections');
  console.log(`exported after a restart: ${lines.length - 2} cells, ${chain.events} events, chain whole`);
}
