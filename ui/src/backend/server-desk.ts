import { address, ServerFailure, unheard, type Method, type Server } from './server';
import { DeskFailure } from './transport';

type Call = <T>(command: string, args: object) => Promise<T>;

/** What the desk says of its own attempts, which it repeats by itself. An administrator's act is tried once. */
function told(code: string, method: Method): string {
  switch (code) {
    case 'SYNC_001':
    case 'UNREACHABLE':
      return unheard(method);
    case 'SYNC_004':
      return 'SERVER_BUSY';
    case 'SYNC_006':
      return 'SIGN_IN_NOT_KEPT';
    default:
      return code;
  }
}

/** The server that the desk is signed in to: the desk holds the tokens and passes questions on. */
export function deskServer(call: Call): Server {
  async function passed<T>(method: Method, act: Promise<T>): Promise<T> {
    try {
      return await act;
    } catch (error) {
      const { code, message, fields } = DeskFailure.from(error);
      throw new ServerFailure(told(code, method), message, fields);
    }
  }
  return {
    kind: 'desk',
    ask: (method, path, { query, body } = {}) => passed(method, call('server_request', { method, path: address(path, query), body: body ?? null })),
    save: (path, query, name) => passed('GET', call<string>('server_save', { path: address(path, query), name })),
  };
}
