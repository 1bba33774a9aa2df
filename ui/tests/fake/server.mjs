// What the desk says of its server, without one: signing in, leases, refused changes, and states that tests choose.

import { fakeAdministration } from '../fake-server.mjs';

const ROLES = {
  validador: ['VALIDATOR', ['view_results', 'view_stats', 'process_e14', 'upload_e14', 'validate_e14', 'correct_e14']],
  admin: ['ADMIN', ['view_results', 'view_stats', 'process_e14', 'upload_e14', 'validate_e14', 'correct_e14', 'view_audit', 'export_data', 'use_analysis', 'manage_pipeline', 'administer']],
  consulta: ['VIEWER', ['view_results', 'view_stats']],
};
const administration = fakeAdministration();
export const PASSWORD = 'un acta tiene tres casillas';

/** The server's part of the fake desk. `items` gives the forms, `Refusal` is what a command throws. */
export function fakeServer(items, Refusal) {
  let view = null;
  let pending = 0;
  const lent = new Set();

  function signed(address, email) {
    const [role, permissions] = ROLES[email.split('@')[0]] ?? ROLES.validador;
    view = {
      address, account: { email, name: 'Ana Pérez', role, permissions }, state: 'online', last: new Date().toISOString(), failure: null,
      retry_seconds: null, refused: 0, read_by_server: 0, files_to_send: 0, files_to_fetch: 0, files_failing: 0, lent: lent.size,
    };
    return view;
  }

  // Commands that tests have the server refuse.
  let refusing = [];
  const answers = (command) => {
    if (refusing.includes(command)) throw new Refusal('SYNC_001', 'SYNC_001 the server was not reached: connection refused; it is tried again by itself');
  };

  const refusals = () => (view?.refused ?? 0) === 0 ? [] : [
    { seq: 41, form: items()[1].id, name: items()[1].name, event: 'cell', at: new Date().toISOString(), code: 'REV_STATE', message: 'REV_STATE the form does not take this in its state' },
    { seq: 40, form: items()[2].id, name: items()[2].name, event: 'completed', at: new Date().toISOString(), code: 'SYNC_AUTHOR', message: '"Ana" is the name of another account' },
  ];

  return {
    view: () => view && { ...view, lent: lent.size },
    pending: () => pending,
    lent: () => lent,
    commands: {
      server_sign_in: ({ address, email, password }) => {
        if (!/^https:|^http:\/\/(localhost|127\.0\.0\.1)/.test(address)) throw new Refusal('SYNC_003', "SYNC_003 the server refuses: the server's address begins with https://");
        if (password !== PASSWORD) throw new Refusal('INVALID_CREDENTIALS', 'SYNC_002 the sign-in has ended: INVALID_CREDENTIALS e-mail address or password is wrong; sign in again');
        return signed(address, email);
      },
      server_sign_out: () => { view = null; lent.clear(); return null; },
      server_sync: () => { if (view.state === 'offline') return view; pending = 0; return (view = { ...view, state: 'online', failure: null, last: new Date().toISOString() }); },
      server_refused: refusals,
      server_lease: ({ count }) => { answers('server_lease'); for (const item of items().filter((i) => i.doubtful > 0 && !lent.has(i.id)).slice(0, count)) lent.add(item.id); return lent.size; },
      here: () => null,
      server_release: ({ forms }) => { answers('server_release'); if (forms.length === 0) lent.clear(); else for (const form of forms) lent.delete(form); return null; },
      server_request: ({ method, path, body }) => {
        try {
          return administration(method, path, body ?? {});
        } catch (error) {
          throw new Refusal(error.code, error.message);
        }
      },
      server_save: ({ name }) => `/home/ana/.local/share/castor/exports/2026-05-31T16-40-00Z/${name}`,
      // For tests alone: as if the server had been in this state all along.
      fake_server: ({ state, email = 'validador@example.org', refused = 2, refuses = [] }) => {
        refusing = refuses;
        signed('https://castor.example.org', email);
        view.state = state;
        if (state === 'offline') {
          pending = 12;
          Object.assign(view, { last: new Date(Date.now() - 40 * 60_000).toISOString(), retry_seconds: 48, files_to_send: 3, failure: { code: 'SYNC_001', message: 'SYNC_001 the server was not reached: connection refused; it is tried again by itself' } });
        }
        if (state === 'stopped') view.failure = { code: 'SYNC_002', message: 'SYNC_002 the sign-in has ended; sign in again' };
        if (state === 'online') view.refused = refused;
        return view;
      },
    },
  };
}
