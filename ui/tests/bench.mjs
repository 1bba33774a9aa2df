// Speed of the desk with many forms: `DATA=folder npm run bench` on a folder that the example desk_fill has filled.
// CASTOR names the program; take a release build. BENCH_CHECK=1 makes it fail where a bound does not hold.
import { resolve } from 'node:path';
import { BrowserDriver } from './browser-driver.mjs';
import { measured, opened } from './review.e2e.mjs';

const data = process.env.DATA;
if (!data) throw new Error('DATA names the folder to be measured');

const WAITING = ['PENDING', 'IN_PROGRESS', 'ESCALATED', 'SECOND_READING', 'ADJUDICATION'];
const failures = [];

function report(what, milliseconds, bound) {
  const holds = milliseconds <= bound;
  if (!holds) failures.push(what);
  console.log(`${holds ? ' ' : '!'} ${what}: ${milliseconds.toFixed(0)} ms (bound ${bound})`);
}

const driver = new BrowserDriver({ castor: process.env.CASTOR ?? resolve('../target/release/castor'), data });

/** Milliseconds of a question to the desk, the median of five. */
async function asked(command, args) {
  const times = [];
  for (let n = 0; n < 5; n += 1) {
    const start = performance.now();
    await driver.ask(command, args);
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[2];
}

const queue = (query) => asked('queue', { query: { states: WAITING, limit: 200, ...query } });

try {
  // The browser's own start is not the desk's.
  await driver.launch();
  const started = performance.now();
  await driver.start();
  await opened(driver.page);
  report('cold start to the first doubtful cell', performance.now() - started, 2000);
  const { total } = await driver.ask('queue', { query: { limit: 1 } });
  console.log(`  ${total} forms`);
  for (const order of ['priority', 'uncertainty', 'impact', 'table']) report(`queue by ${order}`, await queue({ order }), 500);
  report('queue, far down', await queue({ offset: Math.floor(total * 0.7) }), 500);
  report('queue, searched', await queue({ search: '03-01-0' }), 500);
  report('queue of one reason', await queue({ reasons: ['ARITHMETIC_MISMATCH'] }), 500);
  report('status', await asked('status', {}), 200);
  report('next form', await asked('next', { query: { limit: 1 }, after: null }), 200);
  const { keys, frames } = await measured(driver.page);
  report(`next cell drawn, p95 of ${keys.length} keys`, keys[Math.floor(keys.length * 0.95)], 50);
  report('longest frame while the queue scrolls', frames.at(-1), 100);
} finally {
  await driver.close();
}
if (process.env.BENCH_CHECK && failures.length > 0) throw new Error(`out of bounds: ${failures.join(', ')}`);
