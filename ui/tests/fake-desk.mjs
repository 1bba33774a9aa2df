// A desk for tests and for looking at the interface: serves ui/dist and answers its commands from generated forms.
// Nothing of it goes into the application. `node tests/fake-desk.mjs [port] [forms]`; FAKE_EMPTY=1 starts without forms.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checksOf, freshForm, indexOf, meaning, queueItem } from './fake/forms.mjs';
import { pageSvg } from './fake/page.mjs';
import { fakeServer } from './fake/server.mjs';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json' };
// The policy of the real window, so that tests see what it would block.
const POLICY = "default-src 'self'; img-src 'self' page: http://page.localhost data: blob:";

class Refusal extends Error {
  constructor(code, message) { super(message); this.code = code; }
}

export function fakeDesk({ forms: amount = 100_000, slow = 0 } = {}) {
  const opened = new Map();
  let items = Array.from({ length: amount }, (_, n) => queueItem(n));
  const log = [];
  let seq = amount * 10;
  let paused = false;
  let trouble = null;
  let waiting = 0;
  const imports = [
    { source: 'actas/turbo-03-01.pdf', state: 'read', code: null, message: null, form: items[0]?.id ?? null, same_sheet: null, at: new Date().toISOString() },
    { source: 'actas/turbo-03-01 (copia).pdf', state: 'duplicate', code: 'DUPLICATE_FILE', message: 'El mismo archivo ya está en el equipo.', form: items[0]?.id ?? null, same_sheet: null, at: new Date().toISOString() },
    { source: 'actas/lista-de-mercado.pdf', state: 'failed', code: 'INP_003', message: 'INP_003 lista-de-mercado.pdf: not a PDF, PNG, JPEG, TIFF or WebP by its content; convert it to one of these', form: null, same_sheet: null, at: new Date().toISOString() },
    { source: 'actas/clave.pdf', state: 'failed', code: 'INP_006', message: 'INP_006 clave.pdf: the PDF is encrypted; save it without a password first', form: null, same_sheet: null, at: new Date().toISOString() },
  ];
  let settings = { language: 'es-CO', person: 'Ana Pérez', theme: 'system', blind: false, keys: {}, threshold: null, sampling: { second_percent: 5, known_percent: 3, seed: 'castor' } };
  const secrets = new Map(['anthropic_api_key', 'openai_api_key', 'x_bearer_token'].map((name) => [name, null]));
  const secretsView = () => ({ place: { kind: 'file', path: '/home/ana/.local/share/castor/secrets.enc', because: 'no D-Bus session' }, secrets: [...secrets].map(([name, value]) => ({ name, set: value !== null })) });

  const server = fakeServer(() => items, Refusal);

  function open(id) {
    const n = indexOf(id);
    if (!(n < items.length)) throw new Refusal('FORM_UNKNOWN', `No hay un acta con la huella ${id.slice(0, 8)}.`);
    if (!opened.has(n)) opened.set(n, { form: freshForm(n), undo: [], redo: [] });
    return opened.get(n);
  }

  function view({ form, undo, redo }) {
    form.item.doubtful = form.cells.filter((c) => c.state === 'DOUBTFUL').length;
    const checks = checksOf(form);
    const sum = checks.find((c) => c.code === 'SUM_001');
    form.item.finding = sum?.outcome === 'fail' ? `SUM_001 Δ ${sum.difference}` : null;
    items[indexOf(form.item.id)] = form.item;
    const { cells, ...rest } = form;
    const sight = { SECOND_READING: 'blind', ADJUDICATION: 'compared' }[form.item.state] ?? 'open';
    const shown = cells.map(({ ink, ...cell }) => (cell.state === 'DOUBTFUL' ? covered({ ...cell, value: null }, sight) : cell));
    return { ...rest, sources: [{ source: `C:\\actas\\${form.item.name}`, at: form.item.imported_at }], sight, cells: shown, checks: sight === 'blind' ? [] : checks, history: sight === 'open' ? form.history : [], can_undo: undo.length > 0, can_redo: redo.length > 0 };
  }

  // What is hidden of a cell that is read a second time, or shown of one that two readings differ on.
  function covered(cell, sight) {
    const plain = { alternatives: [], suggestion: null, reasons: [] };
    if (sight === 'blind') return { ...cell, ...plain, machine: { marks: ['?', '?', '?'], value: null, confidence: 0 } };
    if (sight !== 'compared') return cell;
    const other = (by) => marksOf((cell.machine.value ?? 0) + by);
    return { ...cell, ...plain, readings: [3, 10].map((by) => ({ marks: other(by), value: meaning(other(by)), confidence: 1 })).concat(cell.machine) };
  }

  const marksOf = (value) => [...String(value).padStart(3, '*')].slice(-3);

  function note(form, event, more = {}) {
    const row = { seq: (seq += 1), event, at: new Date().toISOString(), by: settings.person, cell: null, before: null, after: null, reason: null, ...more };
    form.history = [...form.history, row];
    log.push({ event: row, form: form.item.id, name: form.item.name, hash: createHash('sha256').update(`${log.at(-1)?.hash ?? ''}${JSON.stringify(row)}`).digest('hex') });
  }

  const words = (reading) => reading.marks.join('').replaceAll('*', '•');
  const snapshot = (form) => ({ cells: form.cells, state: form.item.state, message: form.message });

  function matching(q) {
    const search = q.search?.toLowerCase() ?? '';
    const found = items.filter((item) =>
      (!q.lent || server.lent().has(item.id)) &&
      (q.states.length === 0 || q.states.includes(item.state)) &&
      (q.reasons.length === 0 || item.reasons.some((r) => q.reasons.includes(r))) &&
      (!q.corporacion || item.corporacion === q.corporacion) && (!q.copia || item.copia === q.copia) &&
      ['departamento', 'municipio', 'zona', 'puesto', 'mesa'].every((name, at) => !q[name] || item.mesa.split('-')[at] === q[name]) &&
      (search === '' || `${item.mesa} ${item.place} ${item.name}`.toLowerCase().includes(search)));
    const rank = { CRITICAL: 0, HIGH: 1, MEDIUM: 2, LOW: 3 };
    if (q.order === 'priority') found.sort((a, b) => rank[a.priority] - rank[b.priority]);
    if (q.order === 'uncertainty') found.sort((a, b) => a.confidence - b.confidence);
    if (q.order === 'table') found.sort((a, b) => (a.mesa < b.mesa ? -1 : 1));
    return found;
  }

  let kept = { key: '', found: [] };
  function cached(q) {
    const key = JSON.stringify({ ...q, offset: 0, limit: 0 });
    if (kept.key !== key) kept = { key, found: matching(q) };
    // Rows changed since are taken fresh; their place in the list may be a little old.
    return kept.found.map((item) => items[indexOf(item.id)]);
  }

  const status = () => ({
    version: '0.3.0', model: 'symbols-3n-0.995', threshold: 0.9985, person: settings.person,
    import: { waiting: paused ? waiting : (waiting = Math.max(0, waiting - 3)), done: items.length + 2, failed: 2, paused, per_minute: waiting > 0 ? 62 : null, trouble },
    forms: [{ state: 'PENDING', count: items.length }], doubtful: items.reduce((n, i) => n + i.doubtful, 0), demo: items.filter((i) => i.demo).length,
    pending: server.view() === null ? null : server.pending(), server: server.view(), data_folder: '/home/ana/.local/share/castor', pace: 38 + log.length,
  });

  const commands = {
    status,
    ...server.commands,
    import_paths: () => { waiting += 40; return status().import; },
    import_pause: (a) => { paused = a.paused; return status().import; },
    import_retry: () => status().import,
    import_items: ({ offset, limit, trouble: only }) => {
      const found = imports.filter((item) => !only || ['failed', 'duplicate'].includes(item.state));
      return { total: found.length, items: found.slice(offset, offset + limit) };
    },
    queue: ({ query }) => { const found = cached(query); return { total: found.length, items: found.slice(query.offset, query.offset + Math.min(500, query.limit)) }; },
    next: ({ query, after }) => {
      const found = cached(query);
      const at = after === null ? -1 : found.findIndex((item) => item.id === after);
      return found.slice(at + 1).find((item) => item.doubtful > 0 && ['PENDING', 'IN_PROGRESS', 'SECOND_READING', 'ADJUDICATION'].includes(item.state))?.id ?? null;
    },
    form: ({ id }) => view(open(id)),
    decide: ({ id, cell: key, action }) => {
      const slot = open(id);
      const { form } = slot;
      const cell = form.cells.find((c) => c.key === key);
      if (!cell) throw new Refusal('CELL_UNKNOWN', `El acta no tiene la casilla ${key}.`);
      if (action.kind === 'confirm' && ['SECOND_READING', 'ADJUDICATION'].includes(form.item.state)) throw new Refusal('REV_BLIND', 'REV_BLIND in this reading every cell is typed or chosen; there is nothing to confirm');
      if (action.kind === 'correct' && action.marks.join('') === '999') throw new Refusal('ABOVE_LIMIT', '999 pasa del máximo de votantes de una mesa. Mire la centena.');
      slot.undo.push(snapshot(form));
      slot.redo = [];
      const before = cell.decision?.reading ?? cell.machine;
      const marks = action.kind === 'correct' ? action.marks : before.marks;
      const reading = { marks, value: meaning(marks), confidence: 1 };
      const same = form.item.state === 'SECOND_READING' || marks.join('') === cell.machine.marks.join('');
      form.cells = form.cells.map((c) => (c === cell ? { ...c, state: same ? 'CONFIRMED' : 'CORRECTED', reasons: [], value: reading.value, decision: { reading, by: settings.person, at: new Date().toISOString() } } : c));
      if (form.item.state === 'PENDING') form.item = { ...form.item, state: 'IN_PROGRESS' };
      note(form, 'cell', { cell: key, before: words(before), after: words(reading) });
      const left = form.cells.some((c) => c.state === 'DOUBTFUL');
      // Of the second reading every one differs, and whoever did it does not decide.
      if (form.item.state === 'SECOND_READING' && !left) form.item = { ...form.item, state: 'ADJUDICATION', barred: true };
      else if (['IN_PROGRESS', 'ADJUDICATION'].includes(form.item.state) && !left) {
        form.item = { ...form.item, state: 'COMPLETED' };
        note(form, 'completed');
      }
      return view(slot);
    },
    act: ({ id, action }) => {
      const slot = open(id);
      const { form } = slot;
      const back = (from, to) => {
        const last = from.pop();
        if (!last) throw new Refusal('NOTHING_TO_UNDO', 'No hay nada que deshacer en esta acta.');
        to.push(snapshot(form));
        form.cells = last.cells; form.item = { ...form.item, state: last.state }; form.message = last.message;
      };
      if (action.kind === 'undo') { back(slot.undo, slot.redo); note(form, 'undone'); }
      else if (action.kind === 'redo') { back(slot.redo, slot.undo); note(form, 'redone'); }
      else {
        slot.undo.push(snapshot(form));
        const to = { escalate: 'ESCALATED', reject: 'REJECTED', return: 'PENDING', reopen: 'IN_PROGRESS', complete: 'COMPLETED', ask_second: 'SECOND_READING' }[action.kind];
        if (action.kind === 'complete' && form.cells.some((c) => c.state === 'DOUBTFUL')) throw new Refusal('CELLS_WAIT', 'Aún hay casillas por revisar.');
        form.item = { ...form.item, state: to, barred: to === 'SECOND_READING' };
        form.message = action.reason ? `«${action.reason}» · ${settings.person}` : null;
        note(form, { escalate: 'escalated', reject: 'rejected', return: 'returned', reopen: 'reopened', complete: 'completed', ask_second: 'second_asked' }[action.kind], { reason: action.reason ?? null });
      }
      return view(slot);
    },
    copies_list: ({ offset, limit }) => {
      const all = items.slice(0, 60).map((i, n) => ({ mesa: i.mesa, corporacion: i.corporacion, demo: i.demo, place: i.place, copies: n % 3 ? ['CLAVEROS', 'DELEGADOS'] : ['CLAVEROS', 'DELEGADOS', 'TRANSMISION'], differences: n % 4 === 0 ? 2 : n % 4 === 2 ? 1 : 0, unread: n % 5 === 1 ? 1 : 0 }));
      return { total: all.length, items: all.slice(offset, offset + limit) };
    },
    copies: ({ mesa, corporacion, demo }) => {
      const n = Math.max(0, items.findIndex((i) => i.mesa === mesa && i.corporacion === corporacion));
      const { cells, item } = freshForm(n);
      const options = cells.flatMap((c, at) => (c.path.startsWith('candidato') || /solo_lista$/.test(c.path) ? [at] : []));
      const shifts = n % 4 === 0 && options.length > 1 ? new Map([[options[0], -4], [options[1], 4]]) : new Map();
      const read = (c, value) => ({ state: value === null ? 'blank' : 'read', value, key: c.key });
      return {
        mesa, corporacion, demo,
        moved: shifts.size > 0 ? [{ copy: 1, from: [options[0]], to: [options[1]], votes: 4 }] : [],
        copies: ['CLAVEROS', 'DELEGADOS', ...(n % 3 ? [] : ['TRANSMISION'])].map((copia, at) => ({ item: { ...item, copia, state: at === 1 ? 'COMPLETED' : item.state }, chosen: at === 0, because: at === 0 ? 'legal_rank' : '' })),
        rows: cells.map((c, at) => {
          const value = c.machine.value;
          const other = value === null ? null : value + (shifts.get(at) ?? (n % 4 === 2 && c.path === 'nulos' ? 1 : 0));
          const third = c.path === 'no_marcados' ? { state: 'unread', value: null, key: c.key } : read(c, value);
          return { label: c.label, cells: [read(c, value), read(c, other), ...(n % 3 ? [] : [third])], differs: other !== value };
        }),
      };
    },
    export: ({ format, query, form }) => ({ files: [`/home/ana/castor/export/actas-${format}.${{ csv: 'csv', json_v1: 'json', json_v2: 'json', parquet: 'parquet', sheet: 'pdf', crops: 'zip' }[format]}`], forms: form ? 1 : query ? cached(query).length : items.length }),
    export_progress: () => null,
    audit: ({ query }) => [...log].reverse().filter((row) => (!query.before || row.event.seq < query.before) && (!query.form || row.form === query.form) && (!query.person || row.event.by.includes(query.person))).slice(0, query.limit),
    audit_verify: () => ({ events: log.length, whole: true, broken_at: null, head: log.at(-1)?.hash ?? '0'.repeat(64) }),
    audit_export: () => ({ files: ['/home/ana/castor/export/auditoria.csv'], forms: log.length }),
    settings: () => settings,
    settings_save: (a) => (settings = a.settings),
    secrets: secretsView,
    secret_save: (a) => (secrets.set(a.name, a.value), secretsView()),
    data_folder_save: () => null,
    quality: () => [
      { person: 'Ana Pérez', machine: false, confirmed: 812, corrected: 64, median_seconds: 2.4, agreement: { hits: 118, n: 121, value: 118 / 121, low: 0.9295, high: 0.9915 }, kappa: { value: 0.974, low: 0.945, high: 1, missing: null }, known: { hits: 19, n: 20, value: 0.95, low: 0.764, high: 0.9911 } },
      { person: 'Luis Ortega', machine: false, confirmed: 455, corrected: 51, median_seconds: 3.1, agreement: { hits: 40, n: 40, value: 1, low: 0.9124, high: 1 }, kappa: { value: 1, low: null, high: null, missing: null }, known: null },
      { person: 'Marta Ruiz', machine: false, confirmed: 18, corrected: 2, median_seconds: null, agreement: null, kappa: { value: null, low: null, high: null, missing: 'NO_PAIRS' }, known: null },
      { person: 'castor', machine: true, confirmed: 0, corrected: 0, median_seconds: null, agreement: { hits: 310, n: 311, value: 310 / 311, low: 0.982, high: 0.9994 }, kappa: { value: 0.996, low: 0.989, high: 1, missing: null }, known: null },
    ],
    remove_demo: () => { items = []; opened.clear(); kept = { key: '', found: [] }; return status(); },
  };

  return createServer(async (request, response) => {
    const url = new URL(request.url, 'http://desk');
    const answer = (code, body) => { response.writeHead(code, { 'content-type': 'application/json' }); response.end(JSON.stringify(body)); };
    try {
      const page = /^\/api\/desk\/page\/(\w+)\/(\d+)$/.exec(url.pathname);
      if (page) {
        response.writeHead(200, { 'content-type': 'image/svg+xml', 'cache-control': 'max-age=600' });
        response.end(pageSvg(open(page[1]).form, Number(page[2])));
      } else if (url.pathname.startsWith('/api/desk/')) {
        const name = url.pathname.slice('/api/desk/'.length);
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        if (name === 'upload') return answer(200, commands.import_paths());
        const command = commands[name];
        if (!command) throw new Refusal('COMMAND_UNKNOWN', `No hay una orden «${name}».`);
        if (slow > 0) await new Promise((done) => setTimeout(done, slow));
        answer(200, command(JSON.parse(Buffer.concat(chunks).toString() || '{}')) ?? null);
      } else {
        const path = url.pathname === '/' ? 'index.html' : normalize(url.pathname).replace(/^(\.\.[/\\])+/, '');
        const body = await readFile(join(DIST, path));
        response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
        response.end(body);
      }
    } catch (error) {
      if (error instanceof Refusal) answer(409, { code: error.code, message: error.message });
      else if (error.code === 'ENOENT') answer(404, { code: 'NOT_FOUND', message: url.pathname });
      else { console.error(error); answer(500, { code: 'INTERNAL', message: String(error) }); }
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[2] ?? 4714);
  const forms = process.env.FAKE_EMPTY ? 0 : Number(process.argv[3] ?? 100_000);
  fakeDesk({ forms, slow: Number(process.env.FAKE_SLOW ?? 0) }).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));
}
