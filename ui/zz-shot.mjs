import { chromium } from 'playwright-core';
const [,, theme, path, out, ...keys] = process.argv;
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, colorScheme: theme, locale: 'es-CO' });
await context.addCookies([{ name: 'castor', value: 'k', url: 'http://127.0.0.1:5077' }]);
const page = await context.newPage();
page.on('console', (m) => { if (['error','warning'].includes(m.type())) console.log(m.text()); });
page.on('pageerror', (e) => console.log(String(e)));
await page.goto(`http://127.0.0.1:5077/${path}`);
await page.waitForTimeout(2500);
for (const key of keys) { if (key.startsWith('click:')) await page.click(key.slice(6)); else if (key.startsWith('wait:')) await page.waitForTimeout(Number(key.slice(5))); else if (key.startsWith('file:')) await page.screenshot({ path: key.slice(5) }); else await page.keyboard.press(key); await page.waitForTimeout(350); }
await page.waitForTimeout(700);
await page.screenshot({ path: out });
await browser.close();
