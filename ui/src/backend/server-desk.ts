import { address, ServerFailure, type Server } from './server';
import { DeskFailure } from './transport';

type Call = <T>(command: string, args: object) => Promise<T>;

/** The server that the desk is signed in to: the desk holds the tokens and passes questions on. */
export function deskServer(call: Call): Server {
  async function passed<T>(act: Promise<T>): Promise<T> {
    try {
      return await act;
    } catch (error) {
      const { code, message } = DeskFailure.from(error);
      throw new ServerFailure(code, message);
    }
  }
  return {
    kind: 'desk',
    ask: (method, path, { query, body } = {}) => passed(call('server_request', { method, path: address(path, query), body: body ?? null })),
    save: (path, query, name) => passed(call<string>('server_save', { path: address(path, query), name })),
  };
}
