// Generated forms for the fake desk: made from an index, so that a hundred thousand of them cost nothing until opened.

export function dice(seed) {
  let a = (seed * 2654435761) >>> 0 || 1;
  return () => {
    a ^= a << 13; a >>>= 0;
    a ^= a >>> 17;
    a ^= a << 5; a >>>= 0;
    return a / 4294967296;
  };
}

const PLACES = [
  ['01', '280', 'TURBO', 'I.E. San Perfanzén'], ['01', '001', 'MEDELLÍN', 'Col. Voltra Dazo'], ['16', '001', 'BOGOTÁ. D.C.', 'Coliseo Quesllas'],
  ['31', '001', 'CALI', 'Esc. Brazán del Valle'], ['25', '001', 'CÚCUTA', 'Univ. Lliná'], ['48', '020', 'ALBANIA', 'Puesto Cabecera Municipal'],
  ['88', '588', 'SAN PERFANZEN', 'Inst. Edu. Traquel'], ['50', '001', 'INÍRIDA', 'Sede Custodio'],
];
const NAMES = ['VOLTRA DAZO TELBROSLLIAR', 'SONGRA CECE', 'ZISSIGROS QUERBRIDOR', 'TRÁNCORCES TORBAL BRÁSAS', 'TIANQUENLLO GREDAVA', 'CENTA VOLNIAVÁ QUESLLAS', 'CEQUE RINSOBRO SARGÁ', 'MARBELO TUNDRA', 'OLDIRA PENZÓN', 'QUIRTO ALBENDA'];
const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];
const REASONS = ['ARITHMETIC_MISMATCH', 'LOW_CONFIDENCE', 'AMBIGUOUS_DIGIT', 'SPECIAL_MARK', 'VALIDATION_FAILED', 'QR_OCR_MISMATCH', 'DUPLICATE_FORM', 'MANUAL_FLAG'];
const COPIAS = ['DELEGADOS', 'CLAVEROS', 'TRANSMISION'];
const START = Date.now();

export const idOf = (n) => n.toString(16).padStart(8, '0') + 'fa1e'.repeat(14);
export const indexOf = (id) => Number.parseInt(id.slice(0, 8), 16);

function family(n) {
  return ['runoff', 'lists', 'uninominal'][n % 3];
}

/** The row of the queue before anything has happened to the form. */
export function queueItem(n) {
  const roll = dice(n + 7);
  const [departamento, municipio, town, place] = PLACES[Math.floor(roll() * PLACES.length)];
  const zona = String(1 + Math.floor(roll() * 30)).padStart(2, '0');
  const puesto = String(1 + Math.floor(roll() * 20)).padStart(2, '0');
  const priority = n < 3 ? 'CRITICAL' : PRIORITIES[Math.floor(roll() ** 0.6 * 4)];
  const reason = n === 0 ? REASONS[0] : REASONS[Math.floor(roll() ** 2 * REASONS.length)];
  const state = n < 12 || roll() < 0.8 ? 'PENDING' : ['IN_PROGRESS', 'ESCALATED', 'SECOND_READING', 'ADJUDICATION', 'COMPLETED', 'ACCEPTED', 'REJECTED'][Math.floor(roll() * 7)];
  const minutes = { CRITICAL: 10, HIGH: 15, MEDIUM: 30, LOW: 60 }[priority];
  const imported = START - Math.floor(roll() * 600_000);
  return {
    id: idOf(n), name: `E14_PRE_X_${departamento}_${municipio}_${zona}_${puesto}_${n}.pdf`, state, priority, reasons: [reason],
    mesa: `${departamento}-${municipio}-${zona}-${puesto}-${String(1 + (n % 40)).padStart(3, '0')}`,
    place: `${town} · ${place}`,
    corporacion: { runoff: 'PRESIDENTE', lists: 'CONCEJO', uninominal: 'ALCALDE' }[family(n)],
    copia: COPIAS[Math.floor(roll() * 3)],
    doubtful: ['COMPLETED', 'ACCEPTED', 'REJECTED'].includes(state) ? 0 : 3,
    finding: reason === 'ARITHMETIC_MISMATCH' ? `SUM_001 Δ ${n === 0 ? -50 : 1 + Math.floor(roll() * 30)}` : null,
    confidence: Math.round((0.2 + roll() * 0.5) * 1000) / 1000,
    imported_at: new Date(imported).toISOString(), due_at: new Date(imported + minutes * 60_000).toISOString(), same_sheet: null,
    demo: true, barred: false,
  };
}

/** What jurors wrote: digits to the right, fillers or blanks before them. */
function written(value, roll) {
  const filler = roll() < 0.6 ? '*' : '_';
  if (value === 0) return roll() < 0.4 ? ['_', '_', '_'] : ['*', '*', '*'];
  const digits = String(value);
  return [...filler.repeat(3 - digits.length), ...digits];
}

export function meaning(marks) {
  if (marks.includes('?') || marks.every((m) => m === '_')) return null;
  return Number(marks.filter((m) => /\d/.test(m)).join('') || 0);
}

const GRID = { x: 742, width: 248, height: 78 };

/** Fields with their places: [page, path, label, name, x, y, width, truth]. */
function layout(n, roll) {
  const rows = [];
  const add = (page, path, label, name, y, value, x = GRID.x, width = GRID.width, height = GRID.height) =>
    rows.push({ page, path, label, name, place: { x, y, width, height }, truth: value });
  const kind = family(n);
  const votes = kind === 'runoff' ? [n === 0 ? 159 : 20 + Math.floor(roll() * 200), n === 0 ? 84 : Math.floor(roll() * 120)] : [];
  if (kind === 'uninominal') for (let c = 0; c < 10; c += 1) votes.push(Math.floor(roll() ** 3 * 90));
  const lists = kind === 'lists' ? ['11', '6345', '203', '7774'].map((code) => ({ code, only: Math.floor(roll() * 20), grid: Array.from({ length: 12 }, () => Math.floor(roll() ** 4 * 15)) })) : [];
  const special = n === 0 ? [1, 3, 0] : [Math.floor(roll() * 9), Math.floor(roll() * 6), Math.floor(roll() * 3)];
  const sum = votes.reduce((a, b) => a + b, 0) + lists.reduce((a, l) => a + l.only + l.grid.reduce((x, y) => x + y, 0), 0) + special.reduce((a, b) => a + b, 0);
  add(1, 'nivelacion.sufragantes', 'Votantes E-11', null, 752, sum + (n % 4 === 1 ? 2 : 0));
  add(1, 'nivelacion.urna', 'Votos en la urna', null, 848, sum);
  add(1, 'nivelacion.incinerados', 'Votos incinerados', null, 944, 0);
  let page = 1;
  if (kind === 'runoff') votes.forEach((v, c) => add(1, `candidato.${c + 1}`, `Candidato ${c + 1}`, NAMES[c], 1390 + c * 480, v));
  if (kind === 'uninominal') votes.forEach((v, c) => add(1, `candidato.${c + 1}`, `Candidato ${c + 1}`, NAMES[c], 1180 + c * 150, v, GRID.x, 230, 72));
  lists.forEach((l, at) => {
    page = at < 1 ? 1 : 2 + Math.floor((at - 1) / 2);
    const top = page === 1 ? 1300 : 560 + ((at - 1) % 2) * 1180;
    add(page, `lista.${l.code}.solo_lista`, `Lista ${l.code}: solo lista`, `LISTA ${NAMES[at].split(' ')[0]}`, top, l.only);
    l.grid.forEach((v, c) => add(page, `lista.${l.code}.candidato.${c + 1}`, `Candidato ${c + 1}`, null, top + 140 + Math.floor(c / 2) * 118, v, c % 2 ? 745 : 245, 220, 70));
    add(page, `lista.${l.code}.total`, `Lista ${l.code}: total`, null, top + 880, l.only + l.grid.reduce((x, y) => x + y, 0));
  });
  const [last, top] = kind === 'lists' ? [page + 1, 560] : [1, kind === 'runoff' ? 2330 : 2690];
  const step = kind === 'uninominal' ? 92 : 118;
  add(last, 'blanco', 'Votos en blanco', null, top, special[0]);
  add(last, 'nulos', 'Votos nulos', null, top + step, special[1]);
  add(last, 'no_marcados', 'Votos no marcados', null, top + step * 2, special[2]);
  if (kind !== 'lists') add(last, 'total', 'Suma total', null, top + step * 3 - (kind === 'uninominal' ? 6 : 0), sum);
  return { rows, pages: kind === 'lists' ? last : kind === 'runoff' ? 2 : 1 };
}

const OTHER = { 0: '6', 1: '7', 2: '3', 3: '8', 4: '9', 5: '3', 6: '0', 7: '1', 8: '3', 9: '4' };

/** A form as first read. Three of its cells wait for a person; in the first of them the machine is wrong. */
export function freshForm(n) {
  const roll = dice(n + 1);
  const item = queueItem(n);
  const { rows, pages } = layout(n, roll);
  const settled = item.doubtful === 0;
  const filled = rows.filter((r) => r.truth > 9).map((r) => r.path);
  const doubtful = n === 0 ? ['candidato.2', 'blanco', 'total']
    : [filled[Math.floor(roll() * filled.length)], filled[Math.floor(roll() * filled.length)], rows[rows.length - 2].path, rows[rows.length - 3].path];
  const wanted = [...new Set(doubtful)].slice(0, 3);
  const cells = rows.map((row) => {
    const marks = written(row.truth, roll);
    const waits = !settled && wanted.includes(row.path);
    const wrong = waits && row.path === wanted[0];
    const machine = [...marks];
    if (wrong) {
      const at = n === 0 ? 1 : machine.findIndex((m) => /\d/.test(m));
      if (at >= 0) machine[at] = OTHER[machine[at]];
    }
    const value = meaning(machine);
    const sure = waits ? 0.5 + Math.floor(roll() * 40) / 100 : 0.996;
    const state = waits ? 'DOUBTFUL' : /\d/.test(machine.join('')) ? 'READ' : machine.includes('*') ? 'FILLER' : 'BLANK';
    return {
      key: `${row.page}/${row.path}`, path: row.path, page: row.page, label: row.label, name: row.name, place: row.place, state,
      reasons: waits ? (wrong ? ['ARITHMETIC', 'LOW_CONFIDENCE'] : ['LOW_CONFIDENCE']) : [],
      machine: { marks: machine, value, confidence: sure },
      alternatives: waits ? [{ value: wrong ? row.truth : (value ?? 0) + 3, probability: 0.22 }, { value: (value ?? 0) + 10, probability: 0.04 }] : [],
      suggestion: wrong ? row.truth : null, decision: null, value, ink: marks, readings: [],
    };
  });
  return {
    item, cells, recount: n % 5 === 0 ? true : false, signatures: n % 7 === 0 ? 2 : 6, model: 'symbols-3n-0.995', message: null, sight: 'open',
    pages: Array.from({ length: pages }, (_, p) => ({ page: p + 1, width: 1000, height: 3090, needs_review: cells.some((c) => c.page === p + 1 && c.state === 'DOUBTFUL'), notes: p + 1 === pages && n % 5 === 0 ? ['low_resolution'] : [] })),
    header: [
      ['departamento', item.mesa.slice(0, 2)], ['municipio', item.mesa.slice(3, 6)], ['zona', item.mesa.slice(7, 9)], ['puesto', item.mesa.slice(10, 12)],
      ['mesa', item.mesa.slice(13)], ['lugar', item.place.split(' · ')[1]], ['kit', String(60000 + n)], ['control', '4-41-39-15'], ['fecha', null],
    ].map(([name, value]) => ({ item: name, value, disputed: name === 'zona' && n % 11 === 2 })),
    history: [{ seq: n * 10 + 1, event: 'read', at: item.imported_at, by: 'symbols-3n-0.995', cell: null, before: null, after: null, reason: null }],
  };
}

/** The checks of a form as it stands. */
export function checksOf(form) {
  const at = (path) => form.cells.find((c) => c.path === path);
  const known = (cells) => cells.every((c) => c.state !== 'DOUBTFUL');
  const votes = form.cells.filter((c) => /^candidato|solo_lista$|^lista.*candidato|^blanco|^nulos|^no_marcados/.test(c.path));
  const sum = votes.reduce((total, c) => total + (c.value ?? 0), 0);
  const out = [];
  const push = (code, severity, cells, found, expected, holds, evaluable = known(cells)) => out.push({
    code, outcome: !evaluable ? 'not_evaluable' : holds ? 'pass' : 'fail', severity: evaluable && !holds ? severity : 'info',
    cells: cells.map((c) => c.key), left: evaluable ? expected : null, right: evaluable ? found : null, difference: evaluable ? found - expected : null, detail: '',
  });
  const urna = at('nivelacion.urna');
  const voters = at('nivelacion.sufragantes');
  push('NIV_001', 'high', [urna, voters], urna.value ?? 0, voters.value ?? 0, (urna.value ?? 0) <= (voters.value ?? 0));
  // As the desk does for its suggestions, the fake one names the difference even while cells wait.
  push('SUM_001', 'high', [...votes.filter((c) => c.state === 'DOUBTFUL'), urna], sum, urna.value ?? 0, sum === urna.value, true);
  const total = at('total');
  if (total) push('SUM_003', 'high', [total, ...votes], total.value ?? 0, sum, total.value === sum);
  for (const row of form.cells.filter((c) => /^lista\..*\.total$/.test(c.path))) {
    const own = form.cells.filter((c) => c.path.startsWith(row.path.replace('total', '')) && c !== row);
    const added = own.reduce((s, c) => s + (c.value ?? 0), 0);
    push(`SUM_002 ${row.path.split('.')[1]}`, 'medium', [row, ...own], row.value ?? 0, added, row.value === added);
  }
  const waiting = form.cells.filter((c) => c.state === 'DOUBTFUL');
  push('OCR_001', 'medium', waiting, waiting.length, 0, waiting.length === 0, true);
  push('FRM_001', 'low', [], form.signatures, 3, form.signatures >= 3, true);
  push('PAG_001', 'high', [], form.pages.length, form.pages.length, true, true);
  return out;
}
