// `castor serve` with its private PostgreSQL in a folder of its own, and the interface's dist. CASTOR names the program.
import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.mjs';

const DIST = fileURLToPath(new URL('../dist', import.meta.url));
const CASTOR = process.env.CASTOR ?? fileURLToPath(new URL('../../target/debug/castor', import.meta.url));

/** Runs `act(server)` beside a new server and ends it. `server` has its `url`, and `addUser` and `ask` for what comes before. */
export async function withServer(act) {
  // As root PostgreSQL runs as another user, who must reach the folder.
  const folder = await mkdtemp('/tmp/castor-e2e-');
  await chmod(folder, 0o755);
  const port = await freePort();
  const env = {
    ...process.env,
    CASTOR_DATA: folder, CASTOR_PORT: String(port), CASTOR_UI: DIST, CASTOR_LOG: 'error',
    // Each page that is opened asks for a token, all from one address.
    RATE_LIMIT_AUTH: '1000/minute',
  };
  const server = {
    url: `http://127.0.0.1:${port}`,
    addUser({ email, role, first, last, password }) {
      const args = ['user', 'add', '--email', email, '--role', role, '--first-name', first, '--last-name', last];
      const done = spawnSync(CASTOR, args, { env, input: `${password}\n`, encoding: 'utf8' });
      if (done.status !== 0) throw new Error(`castor user add: ${done.stderr}`);
    },
    async ask(method, path, body, token) {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const said = await response.json();
      if (!said.ok) throw new Error(`${method} ${path}: ${JSON.stringify(said.error)}`);
      return said.data;
    },
  };
  let running = null;
  try {
    running = spawn(CASTOR, ['serve'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((done, failed) => {
      running.once('exit', (code) => failed(new Error(`castor serve ended with ${code}`)));
      running.stdout.on('data', (text) => { if (String(text).includes('CASTOR server:')) done(); });
    });
    for (let tries = 0; ; tries += 1) {
      if ((await fetch(`${server.url}/api/health/ready`)).ok) break;
      if (tries > 3000) throw new Error('the server does not get ready');
      await new Promise((done) => setTimeout(done, 100));
    }
    server.process = running;
    return await act(server);
  } finally {
    if (running !== null && running.exitCode === null && running.signalCode === null) {
      running.removeAllListeners('exit');
      const ended = new Promise((done) => running.once('exit', done));
      running.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  }
}
