// `castor desk` in Chromium.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { launch, slowed } from './browser.mjs';

/** The desk over HTTP in a browser. */
export class BrowserDriver {
  constructor({ castor, data }) {
    this.castor = castor;
    this.data = data;
    this.secretsPlace = 'file';
    this.desk = null;
    this.browser = null;
  }

  /** Starts the browser alone, so that its own time can be left out of a measurement. */
  async launch() {
    this.browser ??= await launch();
  }

  async start() {
    await this.launch();
    const desk = spawn(this.castor, ['desk', '--http', '127.0.0.1:0', '--data', this.data, '--ui', 'dist'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // No session, hence no keyring; settings of its own.
      env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent', XDG_CONFIG_HOME: `${this.data}-config` },
    });
    this.desk = desk;
    const address = await new Promise((done, failed) => {
      desk.once('exit', (code) => failed(new Error(`castor desk ended with ${code}`)));
      desk.stdout.on('data', (text) => {
        const found = /http:\S+/.exec(String(text));
        if (found) done(found[0]);
      });
    });
    this.origin = new URL(address).origin;
    const context = await this.browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'es-CO' });
    this.page = await context.newPage();
    await slowed(this.page);
    const stranger = await (await this.browser.newContext()).newPage();
    const refused = await stranger.goto(this.origin);
    assert.equal(refused.status(), 401, 'the desk opened without its key');
    await this.page.goto(address);
    await this.page.locator('nav').waitFor();
  }

  /** What the desk answers, asked with the page's own cookie. */
  async ask(command, args = {}) {
    const { ok, said } = await this.#asked(command, args);
    if (!ok) throw new Error(`${command}: ${JSON.stringify(said)}`);
    return said;
  }

  /** The code with which the desk refuses. */
  async refused(command, args = {}) {
    const { ok, said } = await this.#asked(command, args);
    assert.equal(ok, false, `${command} was not refused`);
    return said.code;
  }

  #asked(command, args) {
    return this.page.evaluate(async ([command, args]) => {
      const response = await fetch(`/api/desk/${command}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(args) });
      return { ok: response.ok, said: await response.json() };
    }, [command, args]);
  }

  async importFiles(files) {
    await this.click('nav', 'Fuentes');
    const [chooser] = await Promise.all([this.page.waitForEvent('filechooser'), this.click('button', 'Elegir archivos')]);
    await chooser.setFiles(files);
    await this.page.waitForTimeout(500);
  }

  /** Lets files and folders of the disk fall on the page, as from the system's file manager. */
  async drop(files) {
    const session = await this.page.context().newCDPSession(this.page);
    const data = { items: [], files, dragOperationsMask: 1 };
    const drag = (type) => session.send('Input.dispatchDragEvent', { type, x: 600, y: 300, data });
    await drag('dragEnter');
    // Only where the page has said that it takes files does the browser let them fall.
    for (let tries = 0; (await this.page.locator('main.over').count()) === 0; tries += 1) {
      assert.ok(tries < 1200, 'the page takes no files');
      await drag('dragOver');
      await this.page.waitForTimeout(50);
    }
    await drag('drop');
  }

  async open(form) {
    await this.page.goto(`${this.origin}/#/review/${form}`);
  }

  async click(kind, text) {
    const main = this.page.locator('main');
    const found = { nav: this.page.locator('nav a', { hasText: text }), button: main.getByRole('button', { name: text, exact: true }), label: main.getByLabel(text, { exact: true }) }[kind];
    await found.first().click();
  }

  async kill() {
    await killed(this.desk);
    await this.page.context().close();
  }

  async close() {
    await killed(this.desk);
    await this.browser?.close();
  }
}

/** Kills a process and waits until it is gone, and with it what it held. */
async function killed(process) {
  if (!process) return;
  process.removeAllListeners('exit');
  if (process.exitCode !== null || process.signalCode !== null) return;
  const gone = new Promise((done) => process.once('exit', done));
  process.kill('SIGKILL');
  await gone;
}
