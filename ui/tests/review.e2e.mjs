// Reviewing by keys alone: confirm, correct, undo, escalate, and what is refused. Counts the keys that it takes.
import assert from 'node:assert/strict';
import { openPage, withDesk } from './browser.mjs';

const REAL = process.env.DESK_URL !== undefined;

/** What the screen says, as a person would see it. */
export const seen = (page) => page.evaluate(() => {
  const row = (element) => element && {
    key: element.dataset.cell,
    state: [...element.classList].find((name) => /^[A-Z]+$/.test(name)),
    value: element.querySelector('.value').textContent.trim(),
  };
  return {
    form: document.querySelector('[data-form]')?.dataset.form ?? null,
    current: row(document.querySelector('[data-cell][aria-current]')),
    cells: Object.fromEntries([...document.querySelectorAll('[data-cell]')].map((element) => [element.dataset.cell, row(element)])),
    // Answers that are on their way may still make something else of the form.
    settled: document.querySelector('.done:not(.saving)') !== null,
    saving: document.querySelector('.done.saving') !== null,
    rows: document.querySelectorAll('[role="listbox"] [role="option"]').length,
    alert: document.querySelector('[role="alert"]')?.textContent ?? null,
    said: [...document.querySelectorAll('[role="status"]')].map((element) => element.textContent).join(' '),
  };
});

export async function until(page, what, holds) {
  const end = Date.now() + 120_000;
  for (;;) {
    const now = await seen(page);
    if (holds(now)) return now;
    if (Date.now() > end) throw new Error(`never happened: ${what}\n${JSON.stringify(now).slice(0, 600)}`);
    await page.waitForTimeout(20);
  }
}

export const waiting = (now) => Object.values(now.cells).filter((cell) => cell.state === 'DOUBTFUL');
/** Waits until `form`, or whichever, is open at a cell that waits. */
export const opened = (page, form) => until(page, `form ${form ?? ''} opens at a doubtful cell`, (now) => now.current?.state === 'DOUBTFUL' && (form === undefined || now.form === form));
const open = (now) => !now.settled && !now.saving;

export async function reviewByKeys(browser, url) {
  const page = await openPage(browser, url, { path: '#/review' });
  let keys = 0;
  const press = async (...names) => { for (const name of names) { keys += 1; await page.keyboard.press(name); } };

  // A three-digit cell: three marks, no Enter.
  let now = await opened(page);
  const first = now.current.key;
  const count = waiting(now).length;
  await press('*', '8', '4');
  now = await until(page, 'the corrected cell shows 84 and the cursor has moved', (s) => s.cells[first].state === 'CORRECTED' && s.current.key !== first);
  assert.equal(now.cells[first].value, '84');
  assert.ok(keys <= 4, `a correction took ${keys} keys`);
  console.log(`corrected three-digit cell: ${keys} keys`);

  // One key confirms.
  const second = now.current.key;
  keys = 0;
  await press('Enter');
  now = await until(page, 'the confirmed cell', (s) => s.cells[second].state === 'CONFIRMED');
  assert.equal(keys, 1);
  assert.equal(waiting(now).length, count - 2);
  console.log('confirmed cell: 1 key');

  // Undo as far as wished, redo the same way.
  await press('u');
  await until(page, 'the confirmation is undone', (s) => s.cells[second].state === 'DOUBTFUL' && s.current.key === second);
  await press('u');
  await until(page, 'the correction is undone', (s) => s.cells[first].state === 'DOUBTFUL' && s.current.key === first);
  await press('Shift+U', 'Shift+U');
  await until(page, 'both are redone', (s) => s.cells[first].state === 'CORRECTED' && s.cells[second].state === 'CONFIRMED');

  // Two digits and Enter over an earlier correction.
  await press('Shift+Tab');
  now = await seen(page);
  while (now.current.key !== first) { await press('k'); now = await seen(page); }
  await press('8', '5', 'Backspace', '4', 'Enter');
  await until(page, 'the same number again, right-aligned', (s) => s.cells[first].value === '84');

  // The last cell settles the form; the page stays until the person goes on.
  for (now = await seen(page); waiting(now).length > 0; now = await seen(page)) {
    if (now.current.state !== 'DOUBTFUL') await press('Tab');
    await press('Enter');
    await page.waitForTimeout(30);
  }
  now = await until(page, 'the form says that nothing waits', (s) => s.settled);
  const { form } = now;
  await page.waitForTimeout(1_200);
  assert.equal((await seen(page)).form, form, 'the page turned by itself');
  await press('u');
  await until(page, 'the form is open again', (s) => open(s) && s.form === form);
  await press('Enter');
  await until(page, 'and is finished once more', (s) => s.settled);
  await press('Enter');
  await until(page, 'the next form opens', (s) => s.form !== form && s.current?.state === 'DOUBTFUL');

  // Where a form has nothing to take back, the one before it has.
  await press('u');
  await until(page, 'the form before is back', (s) => s.form === form);
  await press('u');
  await until(page, 'its last step is taken back', (s) => s.form === form && open(s) && waiting(s).length === 1);
  await press('Enter');
  await until(page, 'it is finished for good', (s) => s.settled && s.form === form);
  await press('Enter');
  now = await until(page, 'the next form opens again', (s) => s.form !== form && s.current?.state === 'DOUBTFUL');

  // Escalate with a reason, and take it back.
  const escalated = now.form;
  await press('x');
  await page.waitForSelector('dialog[open] textarea');
  await page.keyboard.type('no se distingue la decena');
  await press('Enter');
  await until(page, 'the form is escalated', (s) => s.settled && s.form === escalated);
  assert.match(await page.textContent('section.form'), /no se distingue la decena/);
  await press('u');
  await until(page, 'it waits again', (s) => open(s) && waiting(s).length > 0);

  // A finding leads to its cell and back.
  const here = (await seen(page)).current.key;
  const finding = page.locator('.check.fail:not([disabled])').first();
  if (await finding.count()) {
    await finding.click();
    await finding.click();
    await press('b');
    assert.equal((await seen(page)).current.key, here);
  }

  if (!REAL) {
    // What the desk refuses is taken back with its message.
    const cell = (await seen(page)).current.key;
    await press('9', '9', '9');
    now = await until(page, 'the refusal is said', (s) => s.alert !== null && s.current.key === cell);
    assert.equal(now.cells[cell].state, 'DOUBTFUL');
    assert.match(now.alert, /999/);
    page.complaints = page.complaints.filter((said) => !/409/.test(said));
  }

  // Help covers the screen and goes away.
  await press('?');
  await page.waitForSelector('dialog[open]');
  await press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'detached' });

  assert.deepEqual(page.complaints, []);
  await page.context().close();
}

/** Milliseconds from a key to the drawn cell, sorted, and the frames while the queue scrolls, on a page with an open form. */
export async function measured(page) {
  const keys = await page.evaluate(async () => {
    const drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const times = [];
    for (let n = 0; n < 240; n += 1) {
      const before = document.querySelector('[data-cell][aria-current]').dataset.cell;
      const start = performance.now();
      document.querySelector('[data-work]').dispatchEvent(new KeyboardEvent('keydown', { key: n % 12 < 6 ? 'j' : 'k', bubbles: true, cancelable: true }));
      await drawn();
      if (document.querySelector('[data-cell][aria-current]').dataset.cell !== before) times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b);
  });
  const frames = await page.evaluate(async () => {
    const list = document.querySelector('[role="listbox"]');
    const gaps = [];
    let last = performance.now();
    for (let n = 0; n < 120; n += 1) {
      list.scrollTop += n < 60 ? 400 : 60_000;
      await new Promise((done) => requestAnimationFrame(done));
      const at = performance.now();
      gaps.push(at - last);
      last = at;
    }
    return gaps.sort((a, b) => a - b);
  });
  return { keys, frames };
}

/** The same on the fake desk, with what is expected of it. */
export async function speed(browser, url) {
  const page = await openPage(browser, url, { path: '#/review' });
  await opened(page);
  const { keys, frames } = await measured(page);
  const p50 = keys[Math.floor(keys.length * 0.5)];
  const p95 = keys[Math.floor(keys.length * 0.95)];
  const rows = await page.evaluate(() => document.querySelectorAll('[role="option"]').length);
  console.log(`next cell drawn: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms over ${keys.length} keys`);
  console.log(`queue scrolled: p95 ${frames[114].toFixed(1)} ms, longest frame ${frames.at(-1).toFixed(1)} ms, ${rows} rows exist`);
  // Times say something on a computer that does nothing else: `DESK_TIMED=1 npm run e2e`.
  if (process.env.DESK_TIMED) {
    assert.ok(p95 <= 50, 'the next cell is drawn within 50 ms');
    assert.ok(frames[114] <= 100, 'the queue scrolls without a stall');
  }
  assert.ok(rows < 40, 'only rows in view exist');
  await page.context().close();
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  await withDesk(async (browser, url) => {
    await reviewByKeys(browser, url);
    await speed(browser, url);
  });
}
