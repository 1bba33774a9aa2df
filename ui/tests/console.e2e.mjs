// `npm run e2e:server`: the console in Chromium, served by the real server with its private PostgreSQL. CASTOR names the program.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { seriousFindings } from './axe.mjs';
import { BrowserDriver } from './browser-driver.mjs';
import { launch, openPage } from './browser.mjs';
import { withServer } from './castor-server.mjs';
import { drawn, inNewFolder, settled } from './desk-flow.mjs';

const PASSWORD = 'un acta tiene tres casillas';
const OWN = 'una frase que es solo de luz';
const ADMIN = { email: 'ana@example.org', role: 'ADMIN', first: 'Ana', last: 'Gómez', password: PASSWORD };
const VALIDATOR = { email: 'rosa@example.org', role: 'VALIDATOR', first: 'Rosa', last: 'Marín', password: PASSWORD };
const LEAD = { first_name: 'Iván', last_name: 'Ruiz', email: 'ivan@example.org', phone: '300 123 45 67', interest: 'medios', location: 'Tunja', candidacy_type: 'regionales' };
const SECTIONS = ['users', 'roles', 'sessions', 'queue', 'workers', 'leads', 'audit', 'health', 'account'];

async function signIn(page, email, password) {
  await page.getByLabel('Correo').fill(email);
  await page.getByLabel('Contraseña', { exact: true }).fill(password);
  await page.keyboard.press('Enter');
}

/** Waits until the focus is where it is wanted, and not lost. */
const focused = (page, selector) => page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector);

const nav = (page) => page.getByRole('navigation');
const shown = (page, text) => page.getByText(text, { exact: false }).first().waitFor();

/** Chooses and confirms. */
async function choose(select, value) {
  await select.selectOption(value);
  await select.press('Enter');
}

/** Signing in and what it leaves in the browser. */
async function door(browser, { url }) {
  const page = await openPage(browser, url);
  await page.getByLabel('Idioma').selectOption('en');
  await page.getByLabel('Language').selectOption('es-CO');
  await signIn(page, ADMIN.email, 'not the password');
  await shown(page, 'El correo o la contraseña no son correctos.');
  await page.getByLabel('Contraseña', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Cuentas' }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage, cookie: document.cookie }));
  assert.ok(!/eyJ|[0-9a-f]{64}/.test(kept), `scripts can read a token: ${kept}`);
  const cookies = await page.context().cookies();
  assert.deepEqual(
    cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })),
    [{ name: 'castor_refresh', httpOnly: true, sameSite: 'Strict', path: '/api/auth/browser' }],
  );
  await page.reload();
  await page.getByRole('heading', { name: 'Cuentas' }).waitFor();
  // Two pages of one browser take turns with the one cookie.
  const others = await Promise.all([1, 2, 3].map(() => page.context().newPage()));
  await Promise.all(others.map((other) => other.goto(url)));
  for (const other of others) await other.getByRole('heading', { name: 'Cuentas' }).waitFor();
  await Promise.all(others.map((other) => other.close()));
  assert.deepEqual(page.complaints.filter((line) => !line.includes('401')), []);
  return page;
}

/** A new account with a temporary password, which the person changes at the door. */
async function newAccount(page, browser, { url }) {
  await page.keyboard.press('n');
  await page.getByLabel('Nombres').fill('Luz');
  await page.getByLabel('Apellidos').fill('Díaz');
  await page.getByRole('dialog').getByLabel('Correo').fill('luz@example');
  await page.getByRole('dialog').getByLabel('Rol').selectOption('OPERATOR');
  await page.getByRole('button', { name: 'Crear' }).click();
  await shown(page, 'Escriba un correo como');
  await page.getByRole('dialog').getByLabel('Correo').fill('luz@example.org');
  await page.getByRole('button', { name: 'Crear' }).click();
  const temporary = await page.locator('dialog code').innerText();
  assert.match(temporary, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/);
  // It is shown once: neither Escape nor a second one takes it away.
  for (let n = 0; n < 3; n += 1) await page.keyboard.press('Escape');
  assert.equal(await page.locator('dialog code').innerText(), temporary);
  await page.getByRole('button', { name: 'Ya la entregué' }).click();
  await shown(page, 'temporal hasta');
  await focused(page, '#user-title');

  const luz = await openPage(browser, url);
  await signIn(luz, 'luz@example.org', temporary);
  await luz.getByLabel('Contraseña nueva').fill(OWN);
  await luz.getByLabel('La nueva, otra vez').fill(OWN);
  await luz.keyboard.press('Enter');
  await shown(luz, 'Su cuenta no administra este servidor');
  assert.equal(await nav(luz).getByRole('listitem').count(), 0, 'who may not administer sees parts of it');
  for (const section of SECTIONS.slice(0, -1)) {
    await luz.goto(`${url}/#/admin/${section}`);
    await shown(luz, 'Su cuenta no administra este servidor');
  }
  return luz;
}

/** Searching, another role with its way back, closing and opening again, ending sessions. */
async function changeAccount(page, luz) {
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('DIAZ');
  await shown(page, '1 cuenta');
  await page.getByRole('button', { name: 'Luz Díaz' }).click();
  const pane = page.getByRole('complementary');
  const role = pane.getByLabel('Rol');
  // Arrow keys run through the roles of a closed list: none is taken until it is confirmed, and Escape takes none.
  const changes = [];
  page.on('request', (request) => { if (request.method() === 'PATCH') changes.push(request.postData()); });
  await role.focus();
  for (let n = 0; n < 4; n += 1) await page.keyboard.press('ArrowDown');
  assert.equal(await role.inputValue(), 'ADMIN');
  await shown(page, 'Puede todo, también dar cuentas.');
  await page.keyboard.press('Escape');
  assert.equal(await role.inputValue(), 'OPERATOR');
  assert.ok(await role.evaluate((select) => select === document.activeElement), 'the focus is lost');
  assert.equal(await pane.getByRole('button', { name: /^Cambiar/ }).count(), 0);
  await page.keyboard.press('ArrowUp');
  await pane.getByRole('button', { name: /^Cancelar/ }).click();
  assert.deepEqual([await role.inputValue(), changes], ['OPERATOR', []]);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await shown(page, 'Luz Díaz: ahora Validación');
  assert.deepEqual(changes, ['{"role":"VALIDATOR"}']);
  await page.getByRole('button', { name: 'Deshacer' }).click();
  await page.waitForFunction(() => document.querySelector('aside select')?.value === 'OPERATOR');
  await role.selectOption('AUDITOR');
  await pane.getByRole('button', { name: /^Cambiar/ }).click();
  await shown(page, 'Luz Díaz: ahora Auditoría');
  await luz.reload();
  await nav(luz).getByRole('link', { name: 'Auditoría' }).waitFor();
  assert.equal(await nav(luz).getByRole('listitem').count(), 1, 'an auditor sees more than the log');

  await pane.getByRole('button', { name: 'Terminar sus sesiones…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Terminar' }).click();
  await shown(page, '1 sesión terminada');
  // Its button has nothing left to end.
  await focused(page, '#user-title');
  await luz.getByRole('button', { name: 'Actualizar' }).click();
  await shown(luz, 'La sesión terminó. Entre de nuevo');
  await pane.getByRole('button', { name: 'Cerrar la cuenta' }).click();
  await shown(page, 'Cuenta de Luz Díaz cerrada');
  // A notice that is pointed at stays.
  await page.getByRole('button', { name: 'Deshacer' }).hover();
  await signIn(luz, 'luz@example.org', OWN);
  await shown(luz, 'El correo o la contraseña no son correctos.');
  await page.getByRole('button', { name: 'Deshacer' }).click();
  await pane.getByRole('button', { name: 'Cerrar la cuenta' }).waitFor();
  await lostAnswers(page, pane, luz);
}

/** What the server did and nobody heard of is not told as undone; a password whose answer was lost is not lost. */
async function lostAnswers(page, pane, luz) {
  await page.route('**/api/sessions?user=*', (route) => route.abort());
  await pane.getByRole('button', { name: 'Cerrar la cuenta' }).click();
  await shown(page, 'Cuenta de Luz Díaz cerrada');
  assert.equal(await page.getByText('El servidor no respond').count(), 0, 'a look that failed is told as a failed act');
  await pane.getByRole('button', { name: 'Ver sus sesiones' }).waitFor();
  assert.ok(await pane.getByRole('button', { name: 'Terminar sus sesiones…' }).isEnabled(), 'what is not known is taken for none');
  await page.unroute('**/api/sessions?user=*');
  await page.getByRole('button', { name: 'Deshacer' }).click();
  await pane.getByRole('button', { name: 'Cerrar la cuenta' }).waitFor();

  const dialog = page.getByRole('dialog');
  await page.route('**/api/users/*/password', async (route) => { await route.fetch(); await route.abort(); }, { times: 1 });
  await pane.getByRole('button', { name: 'Dar contraseña temporal…' }).click();
  await dialog.getByRole('button', { name: 'Dar la temporal' }).click();
  await shown(page, 'no se sabe si se hizo');
  await dialog.getByRole('button', { name: 'Dar la temporal' }).click();
  const temporary = await dialog.locator('code').innerText();
  // Where a browser has no clipboard it says so.
  await page.evaluate(() => Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }));
  await dialog.getByRole('button', { name: 'Copiar' }).click();
  await shown(page, 'No se pudo copiar.');
  for (let n = 0; n < 3; n += 1) await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'Ya la entregué' }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Dar contraseña temporal…');
  await luz.reload();
  await signIn(luz, 'luz@example.org', temporary);
  await luz.getByLabel('Contraseña nueva').waitFor();
  // Closing the account leads back to its row.
  await page.keyboard.press('Escape');
  await pane.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Luz Díaz');
}

/** A closed account is deleted for good; one that may still be signed in is not. */
async function deletes(page) {
  const pane = page.getByRole('complementary');
  const gone = async () => {
    await pane.getByRole('button', { name: 'Eliminar la cuenta…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Eliminar' }).click();
  };
  const find = async (text) => {
    await page.getByLabel('Buscar nombre o correo').fill(text);
    await shown(page, '1 cuenta');
  };
  await find('luz@');
  await page.getByRole('button', { name: 'Luz Díaz' }).click();
  await pane.getByRole('button', { name: 'Cerrar la cuenta' }).click();
  await gone();
  await shown(page, 'Todavía no se puede eliminar');
  await page.waitForFunction(() => document.activeElement?.textContent === 'Eliminar la cuenta…');
  await pane.getByRole('button', { name: 'Reabrir la cuenta' }).click();
  await pane.getByRole('button', { name: 'Cerrar la cuenta' }).waitFor();
  assert.equal(await pane.getByRole('button', { name: 'Eliminar la cuenta…' }).count(), 0, 'an open account can be deleted');

  await page.keyboard.press('Escape');
  await page.keyboard.press('n');
  for (const [field, value] of [['Nombres', 'Paz'], ['Apellidos', 'Rojas'], ['Correo', 'paz@example.org']]) await page.getByRole('dialog').getByLabel(field).fill(value);
  await page.getByRole('button', { name: 'Crear' }).click();
  await page.getByRole('button', { name: 'Ya la entregué' }).click();
  await find('paz@');
  await pane.getByRole('button', { name: 'Cerrar la cuenta' }).click();
  await gone();
  await shown(page, 'Cuenta de Paz Rojas eliminada');
  await shown(page, 'Ninguna cuenta con estos filtros.');
  await page.waitForFunction(() => location.hash === '#/admin/users' && document.activeElement?.matches('h1'));
}

/** A person corrects their own data. */
async function ownData(page, { url }) {
  await page.goto(`${url}/#/admin/account`);
  const phone = page.getByLabel('Teléfono');
  const save = page.getByRole('button', { name: 'Guardar' });
  await phone.fill('123');
  await save.click();
  await shown(page, 'De 10 a 15 cifras');
  await phone.fill('+57 300 123 45 67');
  await page.getByLabel('Apellidos').fill('Gómez Peña');
  await save.click();
  await shown(page, 'Sus datos quedaron guardados');
  await shown(page, `Ana Gómez Peña · ${ADMIN.email}`);
  assert.ok(await save.isDisabled(), 'there is something left to save');
  await page.getByLabel('Apellidos').fill(ADMIN.last);
  await phone.fill('');
  await save.click();
  await shown(page, `Ana Gómez · ${ADMIN.email}`);
  await page.goto(`${url}/#/admin/users`);
}

/** The own account cannot be taken away from; the last administrator stays one. */
async function ownAccount(page) {
  await page.getByLabel('Buscar nombre o correo').fill('');
  await page.route('**/api/sessions?user=*', (route) => route.fulfill({ json: { ok: true, data: Array(100).fill({}) } }));
  await page.getByRole('button', { name: 'Ana Gómez' }).click();
  await shown(page, 'Es su cuenta');
  await shown(page, '100 o más sesiones abiertas');
  await page.unroute('**/api/sessions?user=*');
  assert.ok(await page.getByRole('complementary').getByLabel('Rol').isDisabled());
  await page.keyboard.press('Escape');
}

/** A session of another place is ended from the list. */
async function sessions(page, browser, { url }) {
  const other = await openPage(browser, url);
  await signIn(other, ADMIN.email, PASSWORD);
  await other.getByRole('heading', { name: 'Cuentas' }).waitFor();
  await page.keyboard.press('3');
  await shown(page, 'esta sesión');
  await page.getByRole('button', { name: /^Terminar: Ana Gómez/ }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Terminar' }).click();
  await shown(page, 'Terminada la sesión de Ana Gómez');
  // The row is gone, and the keys still reach the screen.
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await focused(page, '[data-row]');
  await other.keyboard.press('2');
  await other.getByLabel('Contraseña', { exact: true }).waitFor();
  await other.context().close();
}

/** Reading is held, let go on and stopped, with the way back; a job that cannot be read is given up and tried again. */
async function queue(page, server) {
  await nav(page).getByRole('link', { name: 'Cola y trabajos' }).click();
  await shown(page, 'Sin nada por leer');
  await page.getByRole('button', { name: 'Pausar' }).click();
  await shown(page, 'En pausa');
  // Nothing was under way: to go on would be a run that nobody began.
  assert.equal(await page.getByRole('button', { name: /^Deshacer/ }).count(), 0);
  await page.getByRole('button', { name: 'Seguir' }).click();
  await page.getByRole('button', { name: /^Deshacer/ }).click();
  await page.getByRole('button', { name: 'Seguir' }).click();
  await page.getByRole('button', { name: 'Pausar' }).waitFor();
  await page.getByRole('button', { name: 'Mandar a leer…' }).click();
  for (const [code, value] of [['Depto.', '01'], ['Mpio.', '001'], ['Zona', '01'], ['Puesto', '02'], ['Mesa', 'x']]) {
    await page.getByRole('dialog').getByLabel(code, { exact: true }).fill(value);
  }
  await page.getByRole('dialog').getByRole('button', { name: 'Mandar a leer' }).click();
  await shown(page, 'Uno a tres dígitos.');
  await page.getByRole('dialog').getByLabel('Mesa', { exact: true }).fill('026');
  await page.getByRole('dialog').getByRole('button', { name: 'Mandar a leer' }).click();
  await shown(page, 'El servidor no tiene archivos de ahí.');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Detener' }).click();
  await shown(page, 'Detenida');
  await page.getByRole('button', { name: 'Iniciar' }).click();
  await shown(page, 'Lectura iniciada');
  await nav(page).getByRole('link', { name: 'Trabajadores' }).click();
  // A server that has nothing to read has opened no model.
  await shown(page, 'Ningún proceso lee actas ahora');
  const { workers } = await server.ask('GET', '/api/pipeline/status', null, server.token);
  assert.deepEqual(workers, []);
}

async function leads(page) {
  await nav(page).getByRole('link', { name: 'Contactos' }).click();
  await shown(page, 'ivan@example.org');
  await page.getByRole('button', { name: 'Nuevo 1' }).waitFor();
  const state = page.getByLabel('Estado: Iván Ruiz');
  await state.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  assert.equal(await state.inputValue(), 'nuevo');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Contactado 1' }).waitFor();
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: /^Deshacer/ }).click();
  await page.getByRole('button', { name: 'Nuevo 1' }).waitFor();
  await choose(state, 'convertido');
  await page.getByRole('button', { name: 'Convertido 1' }).click();
  await shown(page, 'ivan@example.org');
  await page.getByRole('button', { name: 'Eliminar: Iván Ruiz' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Eliminar' }).click();
  await shown(page, 'Nadie en este estado.');
  await page.getByRole('button', { name: 'Convertido 0' }).waitFor();
}

/** Everything above stands in the log, which is filtered and taken out. */
async function log(page) {
  await nav(page).getByRole('link', { name: 'Auditoría' }).click();
  await page.getByRole('combobox', { name: 'Qué' }).selectOption('admin.');
  await page.waitForFunction(() => !document.querySelector('tbody')?.innerText.includes('Entró'));
  await shown(page, 'Operación → Auditoría');
  const said = await page.locator('tbody').innerText();
  for (const text of ['Cambió una cuenta', 'Terminó sesiones', 'Dio una contraseña temporal', 'Cambió un contacto', 'Eliminó un contacto', 'Eliminó una cuenta', 'Nuevo', 'Convertido']) {
    assert.ok(said.includes(text), `the log does not say: ${text}\n${said}`);
  }
  await page.getByRole('button', { name: ADMIN.email }).first().click();
  await page.getByRole('button', { name: `Quitar el filtro ${ADMIN.email}` }).waitFor();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Exportar CSV' }).click()]);
  const lines = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
  assert.match(lines[0], /^id,at,actor,actor_email,action/);
  assert.ok(lines.length > 6 && lines.slice(1).every((line) => line.includes(',admin.')), lines.join('\n'));
}

async function health(page, { url }) {
  await nav(page).getByRole('link', { name: 'Salud' }).click();
  await shown(page, 'Todo en orden');
  await shown(page, 'Base de datos: cuentas (core)');
  const { version } = (await (await fetch(`${url}/api/health`)).json()).data;
  await shown(page, version);
  await page.route('**/api/**', (route) => route.abort());
  await shown(page, 'El servidor no responde.');
  await shown(page, 'Se muestra lo último que llegó');
  await page.unroute('**/api/**');
  // It is asked by itself too, and the button goes when that succeeds.
  await page.getByRole('button', { name: 'Reintentar' }).click({ timeout: 5_000 }).catch(() => {});
  await page.getByText('El servidor no responde.').waitFor({ state: 'detached' });
}

async function accessible(browser, { url }) {
  const serious = [];
  let looked = 0;
  for (const theme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width: 1366, height: 768 }, colorScheme: theme, locale: 'es-CO' });
    const door = await context.newPage();
    await door.goto(url);
    await door.getByLabel('Correo').waitFor();
    serious.push(...await seriousFindings(door, `${theme} door`));
    await signIn(door, ADMIN.email, PASSWORD);
    await door.getByRole('heading', { name: 'Cuentas' }).waitFor();
    for (const section of [...SECTIONS, 'queue/leases']) {
      await door.goto(`${url}/#/admin/${section}`);
      await door.waitForTimeout(500);
      serious.push(...await seriousFindings(door, `${theme} ${section}`));
      looked += 1;
    }
    await door.goto(`${url}/#/admin/users`);
    await door.getByRole('button', { name: 'Luz Díaz' }).click();
    await door.getByRole('complementary').getByLabel('Rol').waitFor();
    serious.push(...await seriousFindings(door, `${theme} one account`));
    await door.getByRole('button', { name: 'Dar contraseña temporal…' }).click();
    serious.push(...await seriousFindings(door, `${theme} confirmation`));
    await door.keyboard.press('Escape');
    await door.keyboard.press('Escape');
    await door.keyboard.press('n');
    serious.push(...await seriousFindings(door, `${theme} new account`));
    await context.close();
  }
  assert.deepEqual(serious, []);
  console.log(`axe: no serious finding on the door, ${looked / 2} screens, one account and 2 dialogs, light and dark`);
}

/** What a desk has taken is seen with its holder, and taken back: one form, then the rest. */
async function leases(page, driver, work) {
  await nav(page).getByRole('link', { name: 'Cola y trabajos' }).click();
  await nav(page).getByRole('link', { name: 'Préstamos' }).click();
  await shown(page, 'Nadie tiene actas apartadas.');
  const files = drawn(work).slice(0, 6);
  await driver.importFiles(files);
  await settled(driver, files.length);
  let held = 0;
  for (let tries = 0; held < 3 && tries < 100; tries += 1) {
    await driver.ask('server_sync');
    held = await driver.ask('server_lease', { count: 3 - held, departamento: null });
  }
  assert.equal(held, 3, 'no three forms wait for a person');
  await page.getByRole('button', { name: 'Actualizar' }).click();
  await shown(page, 'Rosa Marín');
  await shown(page, VALIDATOR.email);
  const backs = page.getByRole('button', { name: /^Recuperar: / });
  assert.equal(await backs.count(), 3);
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme });
    assert.deepEqual(await seriousFindings(page, `${theme} leases`), []);
  }
  await backs.first().click();
  await page.getByRole('dialog').getByText('Queda libre').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await backs.count(), 3);
  await backs.first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Recuperar' }).click();
  await shown(page, '1 acta recuperada de Rosa Marín');
  await page.waitForFunction(() => document.querySelectorAll('tbody [data-row]').length === 2);
  await page.getByRole('button', { name: /^Recuperar todas: Rosa Marín/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Recuperar todas' }).click();
  await shown(page, '2 actas recuperadas de Rosa Marín');
  await shown(page, 'Nadie tiene actas apartadas.');
  await nav(page).getByRole('link', { name: 'Auditoría' }).click();
  await page.getByRole('combobox', { name: 'Qué' }).selectOption('pipeline.leases_taken_back');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 2);
  await shown(page, 'actas: 2');
  console.log('leases: what a desk took is seen and taken back');
}

/** The same screens in the desk of an account that may administer, and none for one that may not. */
async function inDesk({ url }, console_) {
  const entry = (page) => page.getByRole('link', { name: 'Administrar' });
  const desk = (act) => inNewFolder((place) => new BrowserDriver(place), async (driver, work) => {
    await driver.start();
    await driver.page.getByRole('link', { name: 'Revisar' }).waitFor();
    assert.equal(await entry(driver.page).count(), 0, 'without a server there is nothing to administer');
    await act(driver, driver.page, work);
  });
  const signedIn = async (driver, { email }) => {
    await driver.ask('server_sign_in', { address: url, email, password: PASSWORD });
    await driver.page.reload();
    await driver.page.locator('footer').getByText('Con servidor').waitFor();
  };
  await desk(async (driver, page, work) => {
    await signedIn(driver, VALIDATOR);
    await leases(console_, driver, work);
    assert.equal(await entry(page).count(), 0, 'a validator administers');
    await page.goto(`${driver.origin}/#/admin/users`);
    await page.waitForFunction(() => !location.hash.startsWith('#/admin'));
  });
  await desk(async (driver, page) => {
    await signedIn(driver, ADMIN);
    await entry(page).click();
    // What the server refuses is said at its field, and any sign may be searched for.
    await page.getByRole('button', { name: /^Nueva cuenta/ }).click();
    for (const [field, value] of [['Nombres', 'Sol'], ['Apellidos', 'Díaz'], ['Correo', 'sol@example']]) await page.getByRole('dialog').getByLabel(field).fill(value);
    await page.getByRole('button', { name: 'Crear' }).click();
    await shown(page, 'Escriba un correo como');
    await page.keyboard.press('Escape');
    await page.getByLabel('Buscar nombre o correo').fill('Lu*');
    await shown(page, 'Ninguna cuenta con estos filtros.');
    await page.getByLabel('Buscar nombre o correo').fill('');
    await page.getByRole('button', { name: 'Luz Díaz' }).click();
    await choose(page.getByRole('complementary').getByLabel('Rol'), 'VIEWER');
    await shown(page, 'Luz Díaz: ahora Consulta');
    await page.getByRole('navigation', { name: 'Partes de la administración' }).getByRole('link', { name: 'Auditoría' }).click();
    await page.getByRole('combobox', { name: 'Qué' }).selectOption('admin.user_changed');
    await shown(page, 'Auditoría → Consulta');
    await page.getByRole('button', { name: 'Exportar CSV' }).click();
    const file = await page.locator('.saved code').innerText();
    assert.match(await readFile(file, 'utf8'), /^id,at,actor,[^]*admin\.user_changed/);
    assert.deepEqual(await seriousFindings(page, 'desk'), []);
  });
  console.log('desk: the account that administers has the same screens, others have none');
}

await withServer(async (server) => {
  server.addUser(ADMIN);
  server.addUser(VALIDATOR);
  await server.ask('POST', '/api/leads/demo-request', LEAD);
  server.token = (await server.ask('POST', '/api/auth/login', { email: VALIDATOR.email, password: PASSWORD })).access_token;
  const browser = await launch();
  try {
    const page = await door(browser, server);
    const luz = await newAccount(page, browser, server);
    await changeAccount(page, luz);
    await ownAccount(page);
    await deletes(page);
    await ownData(page, server);
    await sessions(page, browser, server);
    await queue(page, server);
    await leads(page);
    await log(page);
    await health(page, server);
    console.log('console: signed in, made an account, changed it, ended sessions, followed a lead up, found it all in the log');
    await accessible(browser, server);
    await inDesk(server, page);
    // A sign-out that failed leaves nothing behind that would hide the door after the next one.
    await page.route('**/api/auth/browser/logout', (route) => route.abort(), { times: 1 });
    await page.getByRole('button', { name: 'Salir' }).click();
    await shown(page, 'El servidor no responde.');
    await page.getByRole('button', { name: 'Salir' }).click();
    await page.getByLabel('Contraseña', { exact: true }).waitFor();
    assert.deepEqual(await page.context().cookies(), [], 'the cookie stays after signing out');
  } finally {
    await browser.close();
  }
});
console.log('ok');
