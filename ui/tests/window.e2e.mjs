// The application's own window under WebKit, driven through WebKitWebDriver: `npm run e2e:window`, on a machine without a
// display under Xvfb. CASTOR names the command, CASTOR_DESKTOP the application; SHOTS a folder for pictures of the window.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Builder, By, Key, until } from 'selenium-webdriver';
import { deskFlow, inNewFolder } from './desk-flow.mjs';
import { freePort } from './free-port.mjs';

const KEYS = { Enter: Key.ENTER, Tab: Key.TAB, Escape: Key.ESCAPE, Backspace: Key.BACK_SPACE };

/** What the flow asks of a page, over WebDriver. */
class Window {
  constructor(session) {
    this.session = session;
    this.keyboard = { press: (name) => this.press(name) };
  }

  press(name) {
    const shifted = /^Shift\+(.+)$/.exec(name);
    const actions = this.session.actions();
    if (shifted) actions.keyDown(Key.SHIFT).sendKeys(shifted[1]).keyUp(Key.SHIFT);
    else actions.sendKeys(KEYS[name] ?? name);
    return actions.perform();
  }

  evaluate(act, argument) {
    return this.session.executeScript(`return (${act})(...arguments)`, argument);
  }

  waitForTimeout(milliseconds) {
    return this.session.sleep(milliseconds);
  }
}

class WindowDriver {
  constructor({ castor, data }) {
    this.application = process.env.CASTOR_DESKTOP ?? join(dirname(castor), 'castor-desktop');
    this.data = data;
    this.secretsPlace = 'keyring';
  }

  async start() {
    const port = await freePort();
    // The window lets itself be driven only when it is started so.
    this.driver = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, TAURI_WEBVIEW_AUTOMATION: 'true', GDK_BACKEND: 'x11' },
    });
    const started = performance.now();
    this.session = await this.connected(port);
    this.page = new Window(this.session);
    await this.session.wait(async () => (await this.session.findElements(By.css('nav'))).length > 0, 120_000);
    console.log(`window: first usable screen after ${Math.round(performance.now() - started)} ms`);
  }

  async connected(port) {
    const builder = new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities({
      browserName: 'wry',
      'webkitgtk:browserOptions': { binary: this.application, args: ['--data', this.data] },
    });
    // The driver is asked until it listens; the application is started once.
    for (let tries = 0; ; tries += 1) {
      const ready = await fetch(`http://127.0.0.1:${port}/status`).then((answer) => answer.ok, () => false);
      if (ready) return builder.build();
      assert.ok(tries < 300, 'the driver does not listen');
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  ask(command, args = {}) {
    const act = `const done = arguments[arguments.length - 1];
      window.__TAURI_INTERNALS__.invoke('desk', { command: arguments[0], args: arguments[1] }).then((value) => done({ value }), (failure) => done({ failure }));`;
    return this.session.executeAsyncScript(act, command, args).then(({ value, failure }) => {
      if (failure) throw new Error(`${command}: ${JSON.stringify(failure)}`);
      return value;
    });
  }

  /** Paths as the system's file dialog gives them, which no driver reaches. */
  async importFiles(files) {
    await this.click('nav', 'Fuentes');
    await this.ask('import_paths', { paths: files });
  }

  async open(form) {
    await this.session.executeScript('location.hash = arguments[0];', `#/review/${form}`);
  }

  async click(kind, text) {
    const within = { nav: '//nav//a', button: '//main//button', label: '//main//label' }[kind];
    const path = By.xpath(`${within}[normalize-space()="${text}"]`);
    await (await this.session.wait(until.elementLocated(path), 60_000)).click();
  }

  async shot(name) {
    if (!process.env.SHOTS) return;
    mkdirSync(process.env.SHOTS, { recursive: true });
    writeFileSync(join(process.env.SHOTS, `${name}.png`), await this.session.takeScreenshot(), 'base64');
  }

  /** Ends the application at once, as a power cut would. */
  async kill() {
    await this.shot('window');
    const told = (...command) => new Promise((done) => spawn(command[0], command.slice(1), { stdio: 'ignore' }).once('exit', done));
    const started = `${this.application} --data ${this.data}`;
    await told('pkill', '-KILL', '-f', started);
    while ((await told('pgrep', '-f', started)) === 0) await new Promise((done) => setTimeout(done, 50));
    this.driver.kill('SIGKILL');
  }

  async close() {
    await this.session?.quit().catch(() => {});
    this.driver?.kill('SIGKILL');
  }
}

await inNewFolder((place) => new WindowDriver(place), async (driver, work) => {
  await deskFlow(driver, work);
  await driver.shot('export');
  // Nothing of the window reaches the network or the files beside its one command.
  const refused = await driver.session.executeAsyncScript(`const done = arguments[0];
    window.__TAURI_INTERNALS__.invoke('plugin:fs|read_file', { path: '/etc/passwd' }).then(() => done(null), String).then(done);`);
  assert.match(refused, /not (allowed|found)/);
});
console.log('ok');
