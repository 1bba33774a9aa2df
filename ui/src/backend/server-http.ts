import { address, ServerFailure, unheard, type Method, type Query, type Server, type SignInDoor } from './server';
import type { Account, BrowserSignedIn, Failure } from './server-types';

/** Refresh this long before the access token ends, in milliseconds. */
const BEFORE_END = 30_000;

/** The server that serves this page. The access token is kept in this closure alone, the refresh token by the browser. */
export function httpServer(): Server & SignInDoor {
  let token: string | null = null;
  let ends = 0;
  let refreshing: Promise<Account | null> | null = null;
  let ended = () => {};

  /** `lost` is the code where no answer comes. */
  async function send(method: Method, path: string, body: object | undefined, lost: string): Promise<Response> {
    try {
      return await fetch(path, {
        method,
        credentials: 'same-origin',
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw new ServerFailure(lost, error instanceof Error ? error.message : String(error));
    }
  }

  async function read<T>(response: Response, lost: string): Promise<T> {
    const said = (await response.json().catch(() => null)) as { ok: true; data: T } | Failure | null;
    // A server whose database is down still says how it is, with 503.
    if (said?.ok === true) return (said as { data: T }).data;
    const error = (said as Failure | null)?.error;
    if (error === undefined) throw new ServerFailure(lost, `HTTP ${response.status}`);
    const wait = Number(response.headers.get('retry-after'));
    throw new ServerFailure(error.code, error.message, error.fields ?? [], wait > 0 ? wait : null);
  }

  /** Signing in, renewing and signing out can be tried again without harm. */
  const atDoor = async <T>(what: string, body: object, lost = 'SERVER_UNREACHABLE'): Promise<T> =>
    read<T>(await send('POST', `/api/auth/browser/${what}`, body, lost), lost);

  /** Nobody is signed in any more, or is about to be: what is still asked renews nothing. */
  let leaving = false;

  function take(signed: BrowserSignedIn): Account {
    leaving = false;
    token = signed.access_token;
    ends = Date.now() + signed.expires_in * 1_000;
    return signed.user;
  }

  /** A new access token for the cookie; null when it is worth nothing. Pages of one browser take turns: each has the cookie that the one before left. */
  function refresh(): Promise<Account | null> {
    if (leaving) return Promise.resolve(null);
    const turn = async () => {
      try {
        return take(await atDoor<BrowserSignedIn>('refresh', {}));
      } catch (error) {
        if (error instanceof ServerFailure && error.code === 'UNAUTHENTICATED') {
          token = null;
          return null;
        }
        throw error;
      }
    };
    // Without TLS on another machine there are no locks.
    const inTurn = async () => ('locks' in navigator ? navigator.locks.request('castor-refresh', turn) : turn());
    refreshing ??= inTurn().finally(() => (refreshing = null));
    return refreshing;
  }

  /** Asks with a token that still holds, and once more with a new one where the server says that it does not. */
  async function asked(method: Method, path: string, body?: object): Promise<Response> {
    if (token !== null && Date.now() > ends - BEFORE_END) await refresh();
    let response = await send(method, path, body, unheard(method));
    if (response.status === 401 && (await isStale(response))) {
      if ((await refresh()) !== null) response = await send(method, path, body, unheard(method));
      else if (!leaving) ended();
    }
    return response;
  }

  const isStale = async (response: Response) =>
    ((await response.clone().json().catch(() => null)) as Failure | null)?.error?.code === 'UNAUTHENTICATED';

  return {
    kind: 'browser',
    ask: async (method, path, { query, body } = {}) => read(await asked(method, address(path, query), body), unheard(method)),
    async save(path: string, query: Query, name: string) {
      const response = await asked('GET', address(path, query));
      if (!response.ok) await read(response, unheard('GET'));
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await response.blob());
      link.download = name;
      link.click();
      URL.revokeObjectURL(link.href);
      return null;
    },
    resume: refresh,
    signIn: async (email, password, next) =>
      take(await (next === undefined
        ? atDoor<BrowserSignedIn>('login', { email, password })
        : atDoor<BrowserSignedIn>('login', { email, password, new_password: next }, 'PASSWORD_UNSURE'))),
    async signOut() {
      // A renewal that is under way would bring the cookie back.
      await refreshing?.catch(() => null);
      leaving = true;
      try {
        await atDoor('logout', {});
      } catch (error) {
        leaving = false;
        throw error;
      }
      token = null;
    },
    onEnded: (listener) => (ended = listener),
  };
}
