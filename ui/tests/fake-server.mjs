// The console over made-up data, for looking at every state of it: serves ui/dist/server.html and answers its questions.
// Nothing of it goes into the application. `node tests/fake-server.mjs [port]`; tests that count run against the real server.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
// The policy of the real server.
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const P = ['view_results', 'view_stats', 'process_e14', 'upload_e14', 'validate_e14', 'correct_e14', 'view_audit', 'export_data', 'use_analysis', 'manage_pipeline', 'administer'];
const ROLES = {
  ADMIN: P, ANALYST: [P[0], P[1], P[7], P[8]], OPERATOR: P.slice(0, 4), VALIDATOR: P.slice(0, 6), AUDITOR: [P[0], P[1], P[6], P[7]], OBSERVER: [P[0], P[1], P[3]], VIEWER: P.slice(0, 2),
};
const FIRST = ['Ana', 'Luz Marina', 'Iván', 'Rosa', 'Germán', 'Óscar', 'Inés', 'Ximena', 'Noé', 'Beatriz'];
const LAST = ['Gómez Peña', 'Díaz', 'Ruiz Angarita', 'Marín', 'Ñustes', 'Quintero', 'Páez', 'Villamizar'];
const DEVICES = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'castor/0.1.0', 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0',
];
const NOW = Date.parse('2026-05-31T16:40:00-05:00');
const ago = (minutes) => new Date(NOW - minutes * 60_000).toISOString();
const id = (n) => `0197${String(n).padStart(4, '0')}-0000-7000-8000-000000000000`;

class Refusal extends Error {
  constructor(status, code, fields) { super(code); this.status = status; this.code = code; this.fields = fields; }
}

/** Answers questions from made-up data. `role` is what the signed-in account may do; `bad` makes dependencies fail; `empty` is a
 *  server that was just made. */
export function fakeAdministration({ role = 'ADMIN', bad = false, empty = false, signedIn = true } = {}) {
  const users = Array.from({ length: empty ? 1 : 64 }, (_, n) => ({
    id: id(9000 - n), email: `${['ana', 'luz', 'ivan', 'rosa', 'german', 'oscar', 'ines', 'ximena', 'noe', 'beatriz'][n % 10]}${n || ''}@ejemplo.org`,
    role: n === 0 ? role : Object.keys(ROLES)[(n * 3) % 7], active: n % 11 !== 7, password_until: n % 9 === 4 ? ago(-60 * 24 * 6) : null,
    first_name: FIRST[n % 10], last_name: LAST[n % 8], phone: n % 3 === 0 ? '+57 300 123 4567' : null, campaign_role: n % 5 === 1 ? 'Coordinadora de testigos' : null,
    candidate_position: null, whatsapp_number: null, whatsapp_opt_in: false, created_at: ago(n * 1_300),
  }));
  const me = users[0];
  let sessions = users.slice(0, empty ? 1 : 14).filter((user) => user.active).map((user, n) => ({
    id: id(8000 - n), user_id: user.id, email: user.email, first_name: user.first_name, last_name: user.last_name, role: user.role,
    device: DEVICES[n % 3], address: `186.84.21.${20 + n}`, created_at: ago(n * 97 + 8), used_at: ago(n * 13), expires_at: ago(-10_080 + n * 13),
  }));
  const leads = empty ? [] : Array.from({ length: 23 }, (_, n) => ({
    id: id(7000 - n), first_name: FIRST[(n * 3) % 10], last_name: LAST[(n * 5) % 8], email: `contacto${n}@ejemplo.org`, phone: `300 555 0${100 + n}`,
    interest: ['campañas', 'medios', 'forecast', 'estratega', 'otro'][n % 5], location: ['Tunja', 'Turbo, Antioquia', 'Bogotá', 'San Andrés de Sotavento'][n % 4],
    candidacy_type: ['regionales', 'congreso', null][n % 3], status: ['nuevo', 'nuevo', 'contactado', 'convertido', 'rechazado'][n % 5], created_at: ago(n * 410),
  }));
  const log = [];
  const note = (action, minutes, { actor = me, subject = null, detail = {} } = {}) => log.unshift({
    id: log.length + 1, at: ago(minutes), actor: actor?.id ?? null, actor_email: actor?.email ?? null, action, subject: subject?.id ?? null, subject_email: subject?.email ?? null,
    detail, address: actor ? '186.84.21.20' : '190.24.7.3', request_id: id(100 + log.length),
  });
  if (!empty) {
    for (let n = 40; n > 0; n -= 1) {
      const who = users[n % 8];
      if (n % 7 === 0) note('auth.sign_in_failed', n * 9, { actor: null });
      else if (n % 7 === 3) note('admin.user_changed', n * 9, { subject: users[n], detail: { role: 'VALIDATOR', active: null, was: { role: 'OPERATOR', active: true } } });
      else if (n % 7 === 4) note('admin.password_reset', n * 9, { subject: users[n], detail: { ended: 2 } });
      else if (n % 7 === 5) note('admin.lead_changed', n * 9, { subject: { id: leads[n % 23].id }, detail: { status: 'contactado' } });
      else if (n === 16) note('security.refresh_reused', n * 9, { actor: who, subject: { id: id(8000) } });
      else note('auth.signed_in', n * 9, { actor: who, subject: { id: id(8000 - (n % 8)) } });
    }
  }
  note('auth.signed_in', 8, { subject: { id: id(8000) } });

  const account = () => ({ ...me, permissions: ROLES[role] });
  const signed = () => ({ access_token: 'made-up', token_type: 'bearer', expires_in: 3_600, user: account() });
  const page = (rows, query) => {
    const before = query.get('before');
    const at = before === null ? 0 : rows.findIndex((row) => String(row.id) === before) + 1;
    return rows.slice(at, at + Number(query.get('limit') ?? 50));
  };
  const matching = (query) => users.filter((user) =>
    (!query.get('search') || `${user.first_name} ${user.last_name} ${user.email}`.toLowerCase().includes(query.get('search').toLowerCase())) &&
    (!query.get('role') || user.role === query.get('role')) && (!query.get('active') || String(user.active) === query.get('active')));
  const found = (rows, wanted) => rows.find((row) => row.id === wanted) ?? (() => { throw new Refusal(404, 'NOT_FOUND'); })();
  const ended = (keep) => {
    const before = sessions.length;
    sessions = sessions.filter(keep);
    return { ended: before - sessions.length };
  };

  const files = ['2043318_E14_SEN_X_01_001_003_XX_02_026_X_XXX.pdf', 'turbo-03-01.pdf', 'foto 31-05.jpg'];
  const workers = empty ? [] : [['servidor', 2, 1, true, null], ['mesa-2.local', 4, 4, true, null], ['mesa-3.local', 4, 2, bad ? false : true, null], ['mesa-1.local', 4, 0, false, ago(95)]]
    .map(([name, slots, running, alive, ended_at], n) => ({ id: id(5000 + n), name, model: 'symbols-3n-0.995', slots, running, alive, started_at: ago(600 + n * 7), seen_at: ago(alive ? 0 : 95), ended_at }));
  const jobs = empty ? [] : Array.from({ length: 60 }, (_, n) => {
    const state = n < 5 ? 'RUNNING' : n < 24 ? 'QUEUED' : n % 9 === 0 ? 'DEAD' : 'DONE';
    const failed = state === 'DEAD' ? n % 2 === 0 ? ['OBJ_003', 'OBJ_003 the store of files does not answer'] : ['INP_004', 'INP_004 cut off before its end'] : n === 12 ? ['JOB_001', 'JOB_001 the worker that had it stopped without a word'] : [null, null];
    return {
      id: id(4000 - n), sha256: String(n).padStart(64, 'a'), name: `${files[n % 3]}`, model: 'symbols-3n-0.995', priority: ['NORMAL', 'HIGH', 'LOW', 'URGENT', 'BACKGROUND'][n % 5], state,
      attempts: state === 'QUEUED' ? (n === 12 ? 1 : 0) : state === 'DEAD' ? 3 : 1, queued_at: ago(n * 2 + 1), started_at: state === 'QUEUED' ? null : ago(n), finished_at: ['DONE', 'DEAD'].includes(state) ? ago(n) : null,
      next_at: n === 12 ? ago(-1) : null, worker: state === 'QUEUED' ? null : id(5000), code: failed[0], message: failed[1],
    };
  });
  let leases = empty ? [] : Array.from({ length: 64 }, (_, n) => {
    const at = n < 3 ? 0 : n < 4 ? 1 : n < 40 ? 2 : 3;
    const who = users[at + 1];
    const mesa = String(n + 1).padStart(3, '0');
    return {
      id: String(n).padStart(64, 'b'), name: `2043318_E14_ALC_X_01_280_003_01_01_${mesa}_X_XXX.pdf`, mesa_id: n === 3 ? null : `01-280-03-01-${mesa}`, location: n === 3 ? '' : 'Antioquia · Turbo · I.E. Normal Superior',
      corporacion: ['ALCALDE', 'CONCEJO', null][n % 3], copy_type: ['DELEGADOS', 'CLAVEROS'][n % 2], laptop: `${at}e3c9c1a-55d2-4f7e-9a01-00000000a1b${at}`, account: who.id,
      person: at === 1 ? null : `${who.first_name} ${who.last_name}`, email: at === 1 ? null : who.email, until: ago(-14 + at * 3),
    };
  });
  const freed = (taken) => {
    const before = leases.length;
    leases = leases.filter((one) => !taken(one));
    if (leases.length === before) throw new Refusal(404, 'NOT_FOUND');
    return { freed: before - leases.length };
  };
  let ordered = 'RUNNING';
  const counted = (state) => jobs.filter((job) => job.state === state).length;
  const pipeline = () => ({
    status: ordered === 'RUNNING' && empty ? 'IDLE' : bad ? 'ERROR' : ordered, election_type: null, copy_type: null, ocr_workers: null,
    queued: counted('QUEUED'), running: counted('RUNNING'), completed: counted('DONE'), failed: counted('DEAD'), source_taken: empty ? 0 : 412, source_refused: empty ? 0 : 3, forms: {}, workers,
  });
  const order = (to) => () => { ordered = to; return pipeline(); };

  const routes = [
    ['GET /api/pipeline/status', pipeline],
    ['POST /api/pipeline/start', order('RUNNING')], ['POST /api/pipeline/pause', order('PAUSED')],
    ['POST /api/pipeline/resume', order('RUNNING')], ['POST /api/pipeline/stop', order('STOPPED')],
    ['GET /api/queue/jobs', ({ query }) => page(jobs.filter((one) => !query.get('status') || one.state === query.get('status')), query)],
    ['POST /api/queue/jobs/:id/retry', ({ at }) => Object.assign(found(jobs, at[0]), { state: 'QUEUED', attempts: 0, code: null, finished_at: null })],
    ['POST /api/queue/jobs/retry', ({ body }) => {
      const dead = jobs.filter((one) => one.state === 'DEAD' && (body.code === null || one.code === body.code));
      for (const job of dead) Object.assign(job, { state: 'QUEUED', attempts: 0, code: null, finished_at: null });
      return { retried: dead.length, left: 0 };
    }],
    ['POST /api/queue/jobs/:id/discard', ({ at }) => Object.assign(found(jobs, at[0]), { state: 'DISCARDED' })],
    ['GET /api/queue/leases', ({ query }) => {
      const at = leases.findIndex((one) => one.id === query.get('after_form')) + 1;
      return leases.slice(at, at + Number(query.get('limit') ?? 50));
    }],
    ['DELETE /api/queue/leases/form/:id', ({ at }) => freed((one) => one.id === at[0])],
    ['DELETE /api/queue/leases/laptop/:id', ({ at }) => freed((one) => one.laptop === at[0])],
    ['POST /api/queue/table', ({ body }) => {
      if (body.table_code !== '026') throw new Refusal(404, 'NOTHING_TO_READ');
      const queued = ['DONE', 'DONE', 'DONE', 'DEAD'].map((state, n) => ({ job_id: id(4_500 + n), sha256: String(n).padStart(64, 'c'), state }));
      return { files: queued.length, jobs: queued, left: 0 };
    }],
    ['POST /api/queue/department', () => ({ files: 1_159, jobs: Array.from({ length: 976 }, () => ({})), left: 183 })],
    ['POST /api/auth/browser/refresh', () => { if (!signedIn) throw new Refusal(401, 'UNAUTHENTICATED'); return signed(); }],
    ['POST /api/auth/browser/login', ({ body }) => {
      if (body.password === 'temporal' && !body.new_password) throw new Refusal(403, 'PASSWORD_CHANGE_REQUIRED');
      if (body.password === 'wrong') throw new Refusal(401, 'INVALID_CREDENTIALS');
      return signed();
    }],
    ['POST /api/auth/browser/logout', () => ({ ended: 1 })],
    ['GET /api/auth/me', account],
    ['PATCH /api/auth/me', ({ body }) => Object.assign(me, body) && account()],
    ['GET /api/auth/sessions', () => sessions.filter((one) => one.user_id === me.id).map((one, n) => ({ ...one, current: n === 0 }))],
    ['GET /api/users', ({ query }) => page(matching(query), query)],
    ['POST /api/users', ({ body }) => {
      if (body.email === me.email) throw new Refusal(409, 'ALREADY_EXISTS');
      const user = { ...users[1], ...body, id: id(9_500 + users.length), active: true, password_until: ago(-60 * 24 * 7), created_at: ago(0) };
      users.unshift(user);
      return user;
    }],
    ['GET /api/users/count', ({ query }) => ({ count: matching(query).length })],
    ['GET /api/users/:id', ({ at }) => found(users, at[0])],
    ['PATCH /api/users/:id', ({ at, body }) => Object.assign(found(users, at[0]), body)],
    ['DELETE /api/users/:id', ({ at }) => {
      const user = found(users, at[0]);
      if (user.active) throw new Refusal(409, 'CONFLICT');
      return { id: users.splice(users.indexOf(user), 1)[0].id };
    }],
    ['POST /api/users/:id/password', ({ at }) => Object.assign(found(users, at[0]), { password_until: ago(-60 * 24 * 7) })],
    ['DELETE /api/users/:id/sessions', ({ at }) => ended((one) => one.user_id !== at[0])],
    ['GET /api/roles', () => Object.entries(ROLES).map(([name, permissions]) => ({ role: name, permissions }))],
    ['GET /api/sessions', ({ query }) => page(sessions.filter((one) => !query.get('user') || one.user_id === query.get('user')), query)],
    ['DELETE /api/sessions/:id', ({ at }) => ended((one) => one.id !== at[0])],
    ['GET /api/leads', ({ query }) => page(leads.filter((one) => !query.get('status') || one.status === query.get('status')), query)],
    ['GET /api/leads/count', ({ query }) => ({ count: leads.filter((one) => !query.get('status') || one.status === query.get('status')).length })],
    ['PATCH /api/leads/:id', ({ at, body }) => Object.assign(found(leads, at[0]), body)],
    ['DELETE /api/leads/:id', ({ at }) => ({ id: leads.splice(leads.indexOf(found(leads, at[0])), 1)[0].id })],
    ['GET /api/audit', ({ query }) => {
      const action = query.get('action');
      return page(log.filter((one) => !action || one.action === action || (action.endsWith('.') && one.action.startsWith(action))), query);
    }],
    ['GET /api/health', () => ({ status: bad ? 'down' : 'ok', version: '0.1.0', services: ['core', 'e14', 'dashboard'], uptime: 183_720 })],
    ['GET /api/health/dependencies', () => ['core', 'e14', 'dashboard'].map((name, n) => ({ name: `database:${name}`, state: bad && n === 1 ? 'down' : 'ok', ...(bad && n === 1 ? { reason: 'does not answer' } : {}), milliseconds: bad && n === 1 ? 5_000 : 1 + n }))
      .concat(
        { name: 'reader', state: bad ? 'degraded' : 'ok', ...(bad ? { reason: 'a library or a model is missing; forms are not read here' } : {}), milliseconds: 0 },
        { name: 'disk', state: 'ok', milliseconds: 0 },
        { name: 'shared:redis', state: bad ? 'degraded' : 'ok', ...(bad ? { reason: 'does not answer; this process goes on alone' } : {}), milliseconds: bad ? 61 : 1 },
        ...(bad ? [{ name: 'service:dashboard', state: 'degraded', reason: 'does not answer', milliseconds: 5_001 }, { name: 'objects@e14', state: 'ok', milliseconds: 3 }] : []),
      )],
    ['GET /api/health/figures', () => ({
      uptime: 183_720, requests: 1_284_311, faults: bad ? 20_412 : 3, p95: { seconds: 0.05, beyond: false }, p99: { seconds: bad ? 10 : 0.25, beyond: bad }, signed_in: 411, sign_ins_refused: 27, denied: 4, limited: 12, audited: 5_120,
      connections: ['core', 'e14', 'dashboard'].map((service, n) => ({ service, used: [3, 9, 0][n], most: 16 })),
    })],
  ].map(([route, act]) => {
    const [method, path] = route.split(' ');
    return { method, shape: new RegExp(`^${path.replace(/:id/g, '([^/]+)')}$`), act };
  });

  return (method, address, body) => {
    const url = new URL(address, 'http://server');
    const route = routes.find((one) => one.method === method && one.shape.test(url.pathname));
    if (!route) throw new Refusal(404, 'NOT_FOUND');
    return route.act({ at: route.shape.exec(url.pathname).slice(1), query: url.searchParams, body });
  };
}

/** The console's page over {@link fakeAdministration}. */
export function fakeServer(options) {
  const ask = fakeAdministration(options);
  return createServer(async (request, response) => {
    const url = new URL(request.url, 'http://server');
    const answer = (code, body) => { response.writeHead(code, { 'content-type': 'application/json' }); response.end(JSON.stringify(body)); };
    try {
      if (url.pathname.startsWith('/api/')) {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        answer(200, { ok: true, data: ask(request.method, request.url, JSON.parse(Buffer.concat(chunks).toString() || '{}')) });
        return;
      }
      const path = url.pathname === '/' ? 'server.html' : normalize(url.pathname).replace(/^(\.\.[/\\])+/, '');
      const body = await readFile(join(DIST, path));
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
      response.end(body);
    } catch (error) {
      if (error instanceof Refusal) answer(error.status, { ok: false, error: { code: error.code, message: error.code, fields: error.fields } });
      else if (error.code === 'ENOENT') answer(404, { ok: false, error: { code: 'NOT_FOUND', message: url.pathname } });
      else { console.error(error); answer(500, { ok: false, error: { code: 'INTERNAL', message: String(error) } }); }
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fakeServer().listen(Number(process.argv[2] ?? 4715), '127.0.0.1', function () { console.log(`http://127.0.0.1:${this.address().port}`); });
}
