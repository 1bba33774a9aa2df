// The server's screen: signing in and out, the state in the status line, the shared queue, what was refused, and what a role
// may see. Against the fake desk alone; sync.e2e.mjs has a real server.
import assert from 'node:assert/strict';
import { openPage } from './browser.mjs';
import { PASSWORD } from './fake/server.mjs';

export async function serverScreen(browser, url) {
  if (process.env.DESK_URL) return;
  const page = await openPage(browser, url, { path: '#/server' });
  const ask = (command, args = {}) => fetch(`${url}/api/desk/${command}`, { method: 'POST', body: JSON.stringify(args) }).then((answer) => answer.json());
  const shows = (text) => page.getByText(text).first().waitFor();
  const rail = async () => (await page.locator('nav a').allTextContents()).map((text) => text.trim());

  // By keys alone: the first field, then one after the other.
  await page.focus('input[name=address]');
  for (const text of ['https://castor.example.org', 'validador@example.org', 'otra contraseña']) {
    await page.keyboard.type(text);
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await shows('INVALID_CREDENTIALS');
  assert.equal(await page.inputValue('input[name=password]'), '', 'a wrong password stays on the screen');
  assert.equal(await page.inputValue('input[name=email]'), 'validador@example.org');
  await page.fill('input[name=password]', PASSWORD);
  await page.keyboard.press('Enter');
  await shows('Con servidor');
  await shows('Validación');

  // Forms of the shared queue, and the review of these alone.
  await page.fill('form input[type=number]', '7');
  await page.click('text=Tomar actas');
  await shows('Tiene 7 actas.');
  await page.click('text=Revisar las mías');
  await page.locator('h2', { hasText: '7 actas' }).waitFor();
  await page.click('[aria-controls="queue-filters"]');
  assert.equal(await page.getByLabel('Solo las que tomé de la cola compartida').isChecked(), true);
  await page.goto(`${url}/#/server`);
  await page.click('text=Devolver todas');
  await shows('No tiene actas tomadas.');

  // What could not be done stays on the screen, whatever the state says in the meantime.
  await ask('fake_server', { state: 'online', refused: 5_000, refuses: ['server_lease', 'server_release'] });
  await shows('Se muestran los últimos 2 de 5.000.');
  await page.click('text=Tomar actas');
  const trouble = page.getByRole('alert').getByText('SYNC_001');
  await trouble.waitFor();
  for (let polls = 0; polls < 2; polls += 1) await page.waitForResponse('**/api/desk/status');
  await page.waitForTimeout(200);
  assert.ok(await trouble.isVisible(), 'the refusal has gone by itself');

  // Refused changes are named with what to do, also in the status line.
  await ask('fake_server', { state: 'online' });
  await page.locator('footer').getByText('2 cambios rechazados').waitFor();
  await shows('Ponga en Ajustes un nombre propio y repita la corrección.');
  await ask('fake_server', { state: 'offline' });
  await page.locator('footer').getByText('No se llega al servidor.').waitFor();
  await page.locator('footer').getByText('12 cambios por enviar').waitFor();
  await ask('fake_server', { state: 'stopped' });
  await page.locator('footer').getByText('SYNC_002').waitFor();

  // A role that corrects nothing has no use for the review.
  await ask('fake_server', { state: 'online', email: 'consulta@example.org' });
  await page.locator('nav').getByText('Revisar').waitFor({ state: 'detached' });
  assert.deepEqual(await rail(), ['Copias', 'Exportar', 'Auditoría', 'Calidad', 'Servidor', 'Ajustes']);
  await page.goto(`${url}/#/review`);
  await page.waitForFunction(() => location.hash === '#/copies');
  await page.goto(`${url}/#/server`);
  await shows('Su rol consulta el servidor');

  await page.getByRole('button', { name: 'Salir' }).click();
  await shows('Sin servidor: todo queda en este equipo');
  assert.ok((await rail()).includes('Revisar'));
  // The refused sign-in is an answer that the browser notes; nothing else is.
  assert.deepEqual(page.complaints.filter((text) => !/409/.test(text)), []);
  await page.context().close();
  console.log('server: signed in and out, took forms, saw what was refused; the rail follows the role');
}
