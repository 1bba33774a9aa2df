// How the server is reached: from the console that it serves itself, or through the desk, which holds the sign-in there.

import { DeskFailure } from './transport';
import type { Account, FieldProblem } from './server-types';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
/** Names and values of a query; what is null or empty is left out. */
export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** A question to the server. Answers reject with {@link ServerFailure}. */
export interface Server {
  readonly kind: 'browser' | 'desk';
  ask<T>(method: Method, path: string, asked?: { query?: Query; body?: object }): Promise<T>;
  /** Saves an answer that is a file, and says where; a browser keeps that to itself. */
  save(path: string, query: Query, name: string): Promise<string | null>;
}

/** Signing in where the console is served by the server. In the desk the desk does it. */
export interface SignInDoor {
  /** The account that this browser is still signed in with. */
  resume(): Promise<Account | null>;
  signIn(email: string, password: string, next?: string): Promise<Account>;
  signOut(): Promise<void>;
  /** Called when a question found the session ended. */
  onEnded(listener: () => void): void;
}

/** A refusal of the server with its stable code, or the failure to hear its answer (see {@link unheard}). */
export class ServerFailure extends DeskFailure {
  /** Seconds after which it is worth another try. */
  readonly wait: number | null;

  constructor(code: string, message: string, fields: FieldProblem[] = [], wait: number | null = null) {
    super(code, message, fields);
    this.name = 'ServerFailure';
    this.wait = wait;
  }
}

/** What it means that no answer came: a question can be put again, and nobody knows whether an act was done. */
export const unheard = (method: Method): 'SERVER_UNREACHABLE' | 'ANSWER_LOST' => (method === 'GET' ? 'SERVER_UNREACHABLE' : 'ANSWER_LOST');

/** A path with its query. */
export function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? path : `${path}?${text}`;
}
