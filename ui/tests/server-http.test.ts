import { afterEach, expect, test, vi } from 'vitest';
import { httpServer } from '../src/backend/server-http';

/** Answers that are given when the test says so, by path. */
function server() {
  const asked: string[] = [];
  const open = new Map<string, (status: number, body: object) => void>();
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    return new Promise<Response>((done) => open.set(path, (status, body) => done(new Response(JSON.stringify(body), { status }))));
  });
  const answers = async (path: string, status: number, body: object) => {
    await vi.waitFor(() => expect(open.has(path)).toBe(true));
    open.get(path)?.(status, body);
    open.delete(path);
  };
  return { asked, answers };
}

const SIGNED = { ok: true, data: { access_token: 'a', token_type: 'bearer', expires_in: 3600, user: { email: 'ana@example.org' } } };
const NO = { ok: false, error: { code: 'UNAUTHENTICATED', message: 'no' } };
const [LOGIN, REFRESH, LOGOUT] = ['login', 'refresh', 'logout'].map((what) => `/api/auth/browser/${what}`) as [string, string, string];

afterEach(() => vi.unstubAllGlobals());

test('what is asked while somebody signs out renews nothing and says nothing', async () => {
  const { asked, answers } = server();
  const door = httpServer();
  const ended = vi.fn();
  door.onEnded(ended);
  const signed = door.signIn('ana@example.org', 'secreto');
  await answers(LOGIN, 200, SIGNED);
  await signed;

  const look = door.ask('GET', '/api/health').catch((error: { code: string }) => error.code);
  const out = door.signOut();
  await answers('/api/health', 401, NO);
  expect(await look).toBe('UNAUTHENTICATED');
  await answers(LOGOUT, 200, { ok: true, data: { ended: 1 } });
  await out;
  expect(asked).not.toContain(REFRESH);
  expect(ended).not.toHaveBeenCalled();
});

test('signing out waits for a renewal that is under way, whose cookie would stay', async () => {
  const { asked, answers } = server();
  const door = httpServer();
  const resumed = door.resume();
  const out = door.signOut();
  await Promise.resolve();
  expect(asked).toEqual([REFRESH]);
  await answers(REFRESH, 200, SIGNED);
  await resumed;
  await answers(LOGOUT, 200, { ok: true, data: { ended: 1 } });
  await out;
  expect(asked).toEqual([REFRESH, LOGOUT]);
});

test('a sign-out that fails leaves the session as it was', async () => {
  const { asked, answers } = server();
  const door = httpServer();
  const signed = door.signIn('ana@example.org', 'secreto');
  await answers(LOGIN, 200, SIGNED);
  await signed;
  const out = door.signOut().catch((error: { code: string }) => error.code);
  await answers(LOGOUT, 503, { ok: false, error: { code: 'DATABASE_UNAVAILABLE', message: 'no' } });
  expect(await out).toBe('DATABASE_UNAVAILABLE');
  const look = door.ask('GET', '/api/health');
  await answers('/api/health', 401, NO);
  await answers(REFRESH, 200, SIGNED);
  await answers('/api/health', 200, { ok: true, data: 1 });
  expect(await look).toBe(1);
  expect(asked.filter((path) => path === REFRESH)).toHaveLength(1);
});

test('an act without an answer may have been done, a question without one is put again', async () => {
  server();
  const door = httpServer();
  const code = (failing: Promise<unknown>) => failing.then(() => 'done', (error: { code: string }) => error.code);
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('cut off')));
  expect(await code(door.ask('PATCH', '/api/users/1', { body: { active: false } }))).toBe('ANSWER_LOST');
  expect(await code(door.ask('GET', '/api/users'))).toBe('SERVER_UNREACHABLE');
  expect(await code(door.signIn('ana@example.org', 'secreto'))).toBe('SERVER_UNREACHABLE');
  expect(await code(door.signIn('ana@example.org', 'temporal', 'una frase larga'))).toBe('PASSWORD_UNSURE');
  // A gateway's own page says nothing of the act.
  vi.stubGlobal('fetch', async () => new Response('<html>', { status: 502 }));
  expect(await code(door.ask('POST', '/api/users', { body: {} }))).toBe('ANSWER_LOST');
  expect(await code(door.ask('GET', '/api/users'))).toBe('SERVER_UNREACHABLE');
});
