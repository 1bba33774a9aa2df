import { describe, expect, it } from 'vitest';
// @ts-expect-error: a script without types
import { serverTypes } from '../scripts/server-types.mjs';
import { address } from '../src/backend/server';
import { deskServer } from '../src/backend/server-desk';
import { DeskFailure } from '../src/backend/transport';
import { detailOf, familyOf, subjectKind } from '../src/lib/audit';
import { lasting, startOf } from '../src/lib/day';
import { deviceName } from '../src/lib/device';
import { fits, temporaryPassword } from '../src/lib/password';
import { sectionsFor, type Who } from '../src/state/who.svelte';
import { es } from '../src/text/es';

const RUST = import.meta.glob<string>('../../crates/castor-server/src/**/*.rs', { query: '?raw', import: 'default', eager: true });
const TYPES = import.meta.glob<string>('../src/backend/server-types.ts', { query: '?raw', import: 'default', eager: true });

describe('types of the server', () => {
  it('are those of its document: `npm run types` writes them anew', async () => {
    expect(Object.values(TYPES)).toEqual([await serverTypes()]);
  });
});

describe('a question to the server', () => {
  it('leaves out what is not asked for and writes the rest so that it is read in one way', () => {
    expect(address('/api/users')).toBe('/api/users');
    expect(address('/api/users', { search: '', role: null, before: undefined })).toBe('/api/users');
    expect(address('/api/users', { search: 'Ñúñez & cía', active: false, limit: 50 })).toBe('/api/users?search=%C3%91%C3%BA%C3%B1ez+%26+c%C3%ADa&active=false&limit=50');
  });
});

describe('a question through the desk', () => {
  const failing = (failure: object) => deskServer(() => Promise.reject(DeskFailure.from(failure)));

  it.each([
    ['POST', 'SYNC_001', 'ANSWER_LOST'], ['GET', 'SYNC_001', 'SERVER_UNREACHABLE'], ['PATCH', 'UNREACHABLE', 'ANSWER_LOST'],
    ['POST', 'SYNC_004', 'SERVER_BUSY'], ['DELETE', 'SYNC_006', 'SIGN_IN_NOT_KEPT'], ['POST', 'SYNC_002', 'SYNC_002'], ['POST', 'CONFLICT', 'CONFLICT'],
  ] as const)('%s that failed with %s is %s, which promises no other attempt', async (method, code, told) => {
    await expect(failing({ code, message: 'no' }).ask(method, '/api/users')).rejects.toMatchObject({ name: 'ServerFailure', code: told });
    const todo = (es as Readonly<Record<string, string>>)[`todo.${told}`];
    expect(todo).toBeDefined();
    expect(todo).not.toMatch(/reintenta sol|nada se pierde/);
  });

  it('says which fields the server refused', async () => {
    const fields = [{ field: 'email', rule: 'not an e-mail address' }];
    await expect(failing({ code: 'INVALID_REQUEST', message: 'no', fields }).ask('POST', '/api/users')).rejects.toMatchObject({ fields });
  });
});

describe('a temporary password', () => {
  it('has four groups of signs that nobody mistakes for others', () => {
    for (let n = 0; n < 50; n += 1) expect(temporaryPassword()).toMatch(/^[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}$/);
    expect(new Set(Array.from({ length: 50 }, () => temporaryPassword())).size).toBe(50);
  });

  it('takes no byte that would make some signs likelier', () => {
    let next = 0;
    // 248 and above are left out; 0 is the first sign, 30 the last.
    const bytes = [255, 248, 0, 30, 31, 61];
    const made = temporaryPassword((into) => { for (let n = 0; n < into.length; n += 1) into[n] = bytes[next++ % bytes.length] ?? 0; });
    expect(made).toBe('a9a9-a9a9-a9a9-a9a9');
  });

  it('is long enough for the server by signs, not by bytes', () => {
    expect(fits('ñ'.repeat(11))).toBe(false);
    expect(fits('ñ'.repeat(12))).toBe(true);
    expect(fits('😀'.repeat(256))).toBe(true);
    expect(fits('a'.repeat(257))).toBe(false);
  });
});

describe('the log', () => {
  it.each([
    [{ role: 'VALIDATOR', active: null, was: { role: 'OPERATOR', active: true } }, [{ key: 'role', values: ['OPERATOR', 'VALIDATOR'] }]],
    [{ role: 'VALIDATOR', was: { role: 'VALIDATOR' } }, [{ key: 'role', values: ['VALIDATOR'] }]],
    [{ active: false, was: { active: true } }, [{ key: 'active', values: ['true', 'false'] }]],
    [{ ended: 0 }, [{ key: 'ended', values: ['0'] }]],
    [{ of: { a: 1 } }, [{ key: 'of', values: ['{"a":1}'] }]],
    [null, []], ['text', []], [[1], []], [{}, []],
  ])('says of %j what changed', (detail, said) => {
    expect(detailOf(detail)).toEqual(said);
  });

  it('knows which words belong to a value and what an entry is about', () => {
    expect([familyOf('role'), familyOf('status'), familyOf('ended')]).toEqual(['role', 'lead', 'value']);
    expect([subjectKind('auth.signed_in'), subjectKind('admin.lead_changed'), subjectKind('admin.user_changed')]).toEqual(['session', 'lead', 'other']);
  });

  it('has words for all that the server writes into a detail', () => {
    const details = Object.values(RUST).flatMap((code) => [...code.matchAll(/\bdetail\b[^;]*?json!\(\{([^}]*)\}\)/g)].map(([, body]) => body ?? ''));
    const keys = new Set(details.flatMap((body) => [...body.matchAll(/"(\w+)":/g)].map(([, key]) => key)));
    expect([...keys]).toEqual(expect.arrayContaining(['role', 'active', 'imported', 'queued', 'ocr_workers']));
    // What was before is told with what came after it.
    keys.delete('was');
    for (const key of keys) expect(Object.keys(es)).toContain(`detail.${key}`);
    expect([familyOf('election_type'), familyOf('copy_type')]).toEqual(['corporacion', 'copia']);
  });

  it('asks for whole days of this computer', () => {
    expect(startOf('2026-05-31')).toBe(new Date(2026, 4, 31).toISOString());
    expect(startOf('2026-05-31', 1)).toBe(new Date(2026, 5, 1).toISOString());
    expect([startOf(''), startOf('31/05/2026')]).toEqual([null, null]);
  });
});

describe('words for devices and times', () => {
  it.each([
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0', 'Firefox · Windows'],
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36', 'Chrome · Linux'],
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36 Edg/141.0', 'Edge · Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1', 'Safari · iOS'],
    ['castor/0.1.0', 'CASTOR'], ['curl/8.5.0', 'curl'], ['unknown', 'unknown'],
  ])('%s', (agent, name) => {
    expect(deviceName(agent)).toBe(name);
  });

  it.each([[0, '0 s'], [59, '59 s'], [60, '1 min'], [3_661, '1 h 1 min'], [3_600, '1 h'], [183_720, '2 d 3 h'], [86_400, '1 d']])('%d seconds', (seconds, said) => {
    expect(lasting(seconds)).toBe(said);
  });
});

describe('parts of the administration', () => {
  const who = (...permissions: Who['permissions']): Who => ({ id: null, email: '', name: '', role: 'VIEWER', permissions });

  it('are shown to those who may use them alone', () => {
    expect(sectionsFor(null)).toEqual([]);
    expect(sectionsFor(who('view_results', 'view_stats', 'correct_e14', 'export_data'))).toEqual([]);
    expect(sectionsFor(who('view_audit'))).toEqual(['audit']);
    expect(sectionsFor(who('administer', 'view_audit'))).toContain('users');
  });
});
