// Reading twice, by keys: a blind reading, the decision between two, and a form that is for somebody else.
import assert from 'node:assert/strict';
import { firstIn, openPage, withDesk } from './browser.mjs';
import { opened, until, waiting } from './review.e2e.mjs';

export async function readTwice(browser, url) {
  // A desk of real forms has none of these states to begin with.
  if (process.env.DESK_URL) return;
  const blind = await firstIn(url, 'SECOND_READING');
  const disputed = await firstIn(url, 'ADJUDICATION');
  let page = await openPage(browser, url, { path: `#/review/${blind}` });
  const press = async (...names) => { for (const name of names) await page.keyboard.press(name); };
  const dock = () => page.innerText('.dock');
  let now = await opened(page);
  const first = now.current.key;
  const left = waiting(now).length;

  // Enter on a cell that was not typed does nothing, and nothing of it is said.
  await press('Enter', 's');
  await page.waitForTimeout(200);
  now = await until(page, 'the same cell still waits', (s) => s.current.key === first);
  assert.equal(now.current.state, 'DOUBTFUL');
  assert.equal(now.current.value, '—');
  assert.doesNotMatch(await dock(), /Máquina|También|cierra la suma/);
  assert.equal(await page.locator('.checks').count(), 0);

  // Every cell is typed; with the last the form goes to whoever decides.
  for (let n = 0; n < left; n += 1) await press('0', '0', String(n + 1));
  await until(page, 'the second reading is over', (s) => s.settled);
  await page.locator('.dock', { hasText: 'Las dos lecturas difieren' }).waitFor();
  await page.context().close();

  // Between two readings: 1 and Enter chooses, two digits and Enter type another.
  page = await openPage(browser, url, { path: `#/review/${disputed}` });
  now = await opened(page);
  const [chosen, typed] = waiting(now).map((cell) => cell.key);
  assert.equal(await page.locator('.readings button').count(), 3);
  await press('Enter');
  await page.waitForTimeout(200);
  now = await until(page, 'nothing was decided by Enter alone', (s) => s.current.key === chosen);
  const reading = await page.locator('.readings button strong').first().innerText();
  await press('1', 'Enter');
  now = await until(page, 'the reading chosen counts', (s) => s.cells[chosen].state !== 'DOUBTFUL');
  assert.equal(now.cells[chosen].value, reading);
  await press('2', '5', 'Enter');
  now = await until(page, 'the number typed counts', (s) => s.cells[typed].state !== 'DOUBTFUL');
  assert.equal(now.cells[typed].value, '25');
  while (waiting(now).length > 0) {
    const { key } = now.current;
    await press('2', 'Enter');
    now = await until(page, 'the next difference', (s) => s.cells[key].state !== 'DOUBTFUL');
  }
  await until(page, 'every difference is decided', (s) => s.settled);

  // A second reading is asked for by a key; who read first is told that it is for somebody else.
  await press('d');
  await page.waitForFunction(() => /otra persona/.test(document.querySelector('.form').textContent));
  assert.deepEqual(page.complaints, []);
  await page.context().close();
  console.log('second reading and decision by keys');
}

if (process.argv[1] === new URL(import.meta.url).pathname) await withDesk(readTwice);
