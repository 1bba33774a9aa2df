// The only door to the desk and to the server. Nothing outside this folder knows whether the desk is a window's shell or an
// HTTP server, nor whether the server is asked directly or through the desk.

import { questions, type Questions } from './admin';
import { httpTransport } from './http';
import type { Server, SignInDoor } from './server';
import { deskServer } from './server-desk';
import { httpServer } from './server-http';
import { tauriTransport } from './tauri';
import type { Choice, DropListener, Transport, Watcher } from './transport';
import type {
  AuditQuery, AuditRow, CellAction, ChainReport, CopiesItem, CopiesPage, CopiesView, DeskStatus, ExportFormat, ExportProgress, ExportResult,
  FormAction, FormView, ImportItem, ImportStatus, PersonQuality, QueuePage, QueueQuery, RefusedChange, SecretsView, ServerView, Settings,
} from './types';

export type { AuditFilter, Log, Newcomer, UserQuery } from './admin';
export { ServerFailure } from './server';
export { DeskFailure } from './transport';
export type { Choice, DropListener, Watcher } from './transport';
export type * as server from './server-types';
export type * from './types';

let transport: Transport | null = null;

let asked: Questions | null = null;

/** Chooses how the desk is reached; call once, before anything is asked. */
export async function connect(): Promise<void> {
  transport = '__TAURI_INTERNALS__' in window ? await tauriTransport() : httpTransport();
  asked = questions(deskServer(call));
}

/** In place of {@link connect} in the console that the server serves itself: there is no desk. */
export function connectServer(): SignInDoor {
  const server: Server & SignInDoor = httpServer();
  asked = questions(server);
  return server;
}

/** What administrators ask the server. */
export function admin(): Questions {
  if (asked === null) throw new Error('connect() has not been called');
  return asked;
}

function via(): Transport {
  if (transport === null) throw new Error('connect() has not been called');
  return transport;
}

const call = <T>(command: string, args: object = {}): Promise<T> => via().call<T>(command, args);

export const backend = {
  kind: () => via().kind,
  pageUrl: (form: string, page: number) => via().pageUrl(form, page),
  pickAndImport: (choice: Choice, watch: Watcher) => via().pickAndImport(choice, watch),
  listenDrops: (listener: DropListener) => via().listenDrops(listener),

  status: () => call<DeskStatus>('status'),
  importPause: (paused: boolean) => call<ImportStatus>('import_pause', { paused }),
  /** Lets what could not be read wait for its turn again. */
  importRetry: () => call<ImportStatus>('import_retry'),
  /** `trouble` asks for those alone that failed or repeat another. */
  importItems: (offset: number, limit: number, trouble: boolean) =>
    call<{ total: number; items: ImportItem[] }>('import_items', { offset, limit, trouble }),
  queue: (query: QueueQuery) => call<QueuePage>('queue', { query }),
  /** The next form that waits for a person; from the start when `after` is null. */
  next: (query: QueueQuery, after: string | null) => call<string | null>('next', { query, after }),
  form: (id: string) => call<FormView>('form', { id }),
  decide: (id: string, cell: string, action: CellAction) => call<FormView>('decide', { id, cell, action }),
  act: (id: string, action: FormAction) => call<FormView>('act', { id, action }),
  copiesList: (offset: number, limit: number) => call<CopiesPage>('copies_list', { offset, limit }),
  copies: ({ mesa, corporacion, demo }: CopiesItem) => call<CopiesView>('copies', { mesa, corporacion, demo }),
  /** What the query finds, or everything; `form` asks for that one alone. */
  export: (format: ExportFormat, query: QueueQuery | null, form: string | null = null) =>
    call<ExportResult>('export', { format, query, form }),
  exportProgress: () => call<ExportProgress | null>('export_progress'),
  audit: (query: AuditQuery) => call<AuditRow[]>('audit', { query }),
  auditVerify: () => call<ChainReport>('audit_verify'),
  auditExport: (query: AuditQuery) => call<ExportResult>('audit_export', { query }),
  settings: () => call<Settings>('settings'),
  saveSettings: (settings: Settings) => call<Settings>('settings_save', { settings }),
  secrets: () => call<SecretsView>('secrets'),
  /** Sets a secret; null forgets it. */
  saveSecret: (name: string, value: string | null) => call<SecretsView>('secret_save', { name, value }),
  /** From the next start on. */
  chooseDataFolder: (path: string) => call<null>('data_folder_save', { path }),
  serverSignIn: (address: string, email: string, password: string) =>
    call<ServerView>('server_sign_in', { address, email, password }),
  serverSignOut: () => call<null>('server_sign_out'),
  /** Syncs now. */
  serverSync: () => call<ServerView>('server_sync'),
  /** Own changes that the server refused, latest first. */
  serverRefused: () => call<RefusedChange[]>('server_refused'),
  /** Says that a person is here: what is lent to this desk is kept for them. */
  here: () => call<null>('here'),
  /** Takes more forms of the shared queue, of one department or of any; how many are lent then. */
  serverLease: (count: number, departamento: string | null) => call<number>('server_lease', { count, departamento }),
  /** Gives forms back; all that are lent when none is named. */
  serverRelease: (forms: string[]) => call<null>('server_release', { forms }),
  quality: () => call<PersonQuality[]>('quality'),
  removeDemo: () => call<DeskStatus>('remove_demo'),
};
