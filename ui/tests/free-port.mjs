// Ports for programs that listen later.
import { createServer } from 'node:net';

let asked = 0;

/** A free port that the system gives to nobody else meanwhile: it gives those of 32,768 and above. */
export async function freePort() {
  for (;;) {
    asked += 1;
    const port = 10_000 + ((process.pid + asked) % 20_000);
    const free = await new Promise((done) => {
      const probe = createServer().once('error', () => done(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
}
