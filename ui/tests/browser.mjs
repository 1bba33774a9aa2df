// A Chromium of the system, driven by Playwright, in front of the fake desk or of DESK_URL.
import { chromium } from 'playwright-core';
import { fakeDesk } from './fake-desk.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Starts the browser. */
export function launch() {
  // Containers often run as root without namespaces, where Chromium's own sandbox cannot start.
  return chromium.launch({ executablePath: CHROMIUM, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** Runs `act(browser, url)` with the desk and closes what it opened. */
export function withDesk(act, options = {}) {
  return withPages(act, process.env.DESK_URL ? null : fakeDesk(options));
}

/** Runs `act(browser, url)` with a fake of its own, or with the desk in DESK_URL. */
export async function withPages(act, own) {
  const url = own === null ? process.env.DESK_URL : await new Promise((done) => own.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${own.address().port}`)));
  const browser = await launch();
  try {
    return await act(browser, url);
  } finally {
    await browser.close();
    own?.closeAllConnections();
    own?.close();
  }
}

/** With E2E_SLOW a page runs on a sixth of a processor, and every answer takes a quarter of a second more: what only passes on a fast computer fails. */
export async function slowed(page) {
  page.setDefaultTimeout(120_000);
  if (!process.env.E2E_SLOW) return;
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 6 });
  await session.send('Network.emulateNetworkConditions', { offline: false, latency: 250, downloadThroughput: -1, uploadThroughput: -1 });
}

/** A page of 1366×768 that collects what the browser complains about. */
export async function openPage(browser, url, { theme = 'light', path = '' } = {}) {
  const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, colorScheme: theme, locale: 'es-CO' });
  const page = await context.newPage();
  await slowed(page);
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text()); });
  await page.goto(`${url}/${path}`);
  return page;
}

/** Id of the first form in a state. */
export async function firstIn(url, state) {
  const query = { states: [state], reasons: [], search: '', order: 'priority', offset: 0, limit: 1 };
  const answer = await fetch(`${url}/api/desk/queue`, { method: 'POST', body: JSON.stringify({ query }) });
  return (await answer.json()).items[0]?.id ?? null;
}
