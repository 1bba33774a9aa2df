// Two desks and a real server, in Chromium: one brings forms in and corrects, the other sees it and answers, and the server
// is killed in between. CASTOR names the program; the server starts a PostgreSQL of its own.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { BrowserDriver } from './browser-driver.mjs';
import { freePort } from './free-port.mjs';
import { opened, until } from './review.e2e.mjs';

const castor = process.env.CASTOR ?? resolve('../target/debug/castor');
const FORMS = 6;
const PASSWORD = 'un acta tiene tres casillas';

/** `castor serve` with everything of its own in a folder. */
class Server {
  constructor(folder, port) {
    this.env = { ...process.env, CASTOR_DATA: folder, CASTOR_PORT: String(port), RATE_LIMIT_AUTH: '1000/minute', CASTOR_LOG: 'warn' };
    this.url = `http://127.0.0.1:${port}`;
  }

  async start() {
    this.process = spawn(castor, ['serve'], { env: this.env, stdio: ['ignore', 'ignore', 'inherit'] });
    for (let i = 0; i < 3000; i += 1) {
      const ready = await fetch(`${this.url}/api/health/ready`).catch(() => null);
      if (ready?.ok) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error('the server does not get ready');
  }

  account(email, role, first, last) {
    execFileSync(castor, ['user', 'add', '--email', email, '--role', role, '--first-name', first, '--last-name', last], { env: this.env, input: `${PASSWORD}\n`, stdio: ['pipe', 'ignore', 'ignore'] });
  }

  end(signal) {
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.kill(signal);
    return ended;
  }
}

/** Waits until the desk says so; what it said. */
async function says(driver, what, command, args, holds) {
  let said;
  for (let i = 0; i < 3000; i += 1) {
    said = await driver.ask(command, args);
    if (holds(said)) return said;
    await driver.page.waitForTimeout(100);
  }
  throw new Error(`${what}: ${JSON.stringify(said).slice(0, 600)}`);
}

async function signIn(driver, server, email, password) {
  const { page } = driver;
  await driver.click('nav', 'Servidor');
  await page.fill('input[name=address]', server.url);
  await page.fill('input[name=email]', email);
  await page.fill('input[name=password]', password);
  await page.click('main form button.main');
}

const cellOf = (form, key) => form.cells.find((cell) => cell.key === key);

/** Corrects the first doubtful cell of a form by three keys; the cell. */
async function corrects(driver, id, digits) {
  await driver.open(id);
  const { key } = (await opened(driver.page)).current;
  for (const digit of digits) await driver.page.keyboard.press(digit);
  await until(driver.page, 'the corrected cell', (s) => s.cells[key]?.state === 'CORRECTED');
  return key;
}

const work = mkdtempSync(join(tmpdir(), 'castor-sync-'));
// Where this runs as root, the cluster runs as another user, who must be able to come this far.
chmodSync(work, 0o755);
const server = new Server(join(work, 'server'), await freePort());
mkdirSync(join(work, 'server'));
const [a, b] = ['a', 'b'].map((name) => new BrowserDriver({ castor, data: join(work, name) }));
try {
  await server.start();
  server.account('ana@example.org', 'VALIDATOR', 'Ana', 'Pérez');
  server.account('luis@example.org', 'VALIDATOR', 'Luis', 'Ortega');
  execFileSync(castor, ['sample', '--sets', '1', join(work, 'samples')]);
  const folder = join(work, 'samples', 'forms');
  const files = readdirSync(folder).sort().slice(0, FORMS).map((name) => join(folder, name));
  await a.start();
  // Requests to servers elsewhere go through the system's proxy, those to this computer do not.
  const proxied = [];
  const proxy = createServer((socket) => socket.once('data', (bytes) => { proxied.push(String(bytes).split('\r\n')[0]); socket.destroy(); }));
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  await b.launch();
  process.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.address().port}`;
  await b.start();
  delete process.env.HTTPS_PROXY;
  const far = await b.refused('server_sign_in', { address: 'https://castor.example.org', email: 'luis@example.org', password: PASSWORD });
  assert.equal(far, 'SYNC_001');
  assert.ok(proxied.includes('CONNECT castor.example.org:443 HTTP/1.1'), JSON.stringify(proxied));
  proxy.close();
  const plain = await b.refused('server_sign_in', { address: 'http://castor.example.org', email: 'luis@example.org', password: PASSWORD });
  assert.equal(plain, 'SYNC_003', 'a password went out in the clear');

  // A wrong password is said so; the right one is not kept anywhere.
  await signIn(a, server, 'ana@example.org', 'otra contraseña larga');
  await a.page.getByText('INVALID_CREDENTIALS').waitFor();
  await a.page.fill('input[name=password]', PASSWORD);
  await a.page.click('main form button.main');
  await a.page.getByText('Con servidor').first().waitFor();
  await signIn(b, server, 'luis@example.org', PASSWORD);
  await b.page.getByText('Con servidor').first().waitFor();
  assert.equal((await a.ask('settings')).person, 'Ana Pérez');

  // A brings forms in; B has them with their images.
  await a.importFiles(files);
  await says(a, 'the import ends', 'status', {}, (s) => s.import.waiting === 0 && s.import.done === files.length);
  const queue = { query: { states: ['PENDING'], order: 'priority', limit: 100 } };
  const { items } = await says(b, 'the forms arrive', 'queue', { query: { order: 'table', limit: 100 } }, (q) => q.total === files.length);
  // One that stays open after two corrections.
  const due = (await b.ask('queue', queue)).items.filter((item) => item.doubtful > 2);
  assert.ok(due.length > 0, 'no drawn form has three doubtful cells');
  const form = due[0].id;
  await says(a, 'the files are sent', 'status', {}, (s) => s.pending === 0 && s.server.files_to_send === 0 && s.server.files_failing === 0);
  await b.open(form);
  await b.page.waitForFunction(() => [...document.querySelectorAll('main img')].some((image) => image.complete && image.naturalWidth > 0));
  console.log(`shared: ${items.length} forms from one desk to the other, with their images`);

  // A corrects; B sees it.
  const first = await corrects(a, form, '123');
  const seen = await says(b, 'the correction arrives', 'form', { id: form }, (f) => cellOf(f, first).value === 123);
  assert.equal(cellOf(seen, first).decision.by, 'Ana Pérez');

  // The server dies. Both go on, and say so.
  await server.end('SIGKILL');
  const second = await corrects(a, form, '045');
  assert.notEqual(second, first);
  const offline = await says(a, 'the desk notices', 'status', {}, (s) => s.server.state === 'offline');
  assert.ok(offline.pending > 0);
  assert.equal(offline.server.failure.code, 'SYNC_001');
  await a.page.getByText('Sin servidor').first().waitFor();
  assert.notEqual(cellOf(await b.ask('form', { id: form }), second).value, 45);

  // It comes back; what waited arrives by itself.
  await server.start();
  await a.ask('server_sync');
  const after = await says(a, 'everything is sent', 'status', {}, (s) => s.pending === 0 && s.server.state === 'online');
  assert.equal(after.server.refused, 0);
  await says(b, 'what waited arrives', 'form', { id: form }, (f) => cellOf(f, second).value === 45);
  for (const driver of [a, b]) assert.equal((await driver.ask('audit_verify')).whole, true);
  console.log('the server was killed and came back: nothing lost, nothing refused');

  // The desk dies as well, and goes on with its sign-in.
  await a.kill();
  await a.start();
  await says(a, 'the sign-in goes on', 'status', {}, (s) => s.server?.state === 'online');

  // Forms of the shared queue: what one took, the other does not get.
  const lent = await a.ask('server_lease', { count: 100, departamento: null });
  assert.ok(lent > 0);
  assert.equal(await b.ask('server_lease', { count: 100, departamento: null }), 0);
  await a.ask('server_release', { forms: [] });
  assert.ok((await b.ask('server_lease', { count: 100, departamento: null })) > 0);

  // Another account does not go on with this desk's forms.
  assert.equal(await a.refused('server_sign_in', { address: server.url, email: 'luis@example.org', password: PASSWORD }), 'SYNC_007');
  // The administration's requests go through the desk, with the rights of the account.
  assert.equal((await a.ask('server_request', { method: 'GET', path: '/api/auth/me', body: null })).email, 'ana@example.org');
  assert.equal(await a.refused('server_request', { method: 'GET', path: '/api/users', body: null }), 'FORBIDDEN');
  assert.equal(await a.refused('server_request', { method: 'POST', path: '/api/auth/refresh', body: {} }), 'SYNC_009');
  await signsOut(a);
  console.log('leases, another account, requests, sign-out: as they should be');
} finally {
  await a.close();
  await b.close();
  if (server.process) await server.end('SIGTERM');
  rmSync(work, { recursive: true, force: true });
}
console.log('ok');

async function signsOut(driver) {
  await driver.click('nav', 'Servidor');
  await driver.click('button', 'Salir');
  await driver.page.getByText('Sin servidor: todo queda en este equipo').waitFor();
  assert.equal((await driver.ask('status')).server, null);
}
