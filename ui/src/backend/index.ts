// The only door to the desk. Nothing outside this folder knows whether it is a window's shell or an HTTP server.

import { httpTransport } from './http';
import { tauriTransport } from './tauri';
import type { Choice, DropListener, Transport } from './transport';
import type {
  AuditQuery, AuditRow, CellAction, ChainReport, CopiesItem, CopiesView, DeskStatus, ExportFormat, ExportProgress, ExportResult,
  FormAction, FormView, ImportItem, ImportStatus, PersonQuality, QueuePage, QueueQuery, SecretsView, Settings,
} from './types';

export { DeskFailure } from './transport';
export type { Choice, DropListener } from './transport';
export type * from './types';

let transport: Transport | null = null;

/** Chooses how the desk is reached; call once, before anything is asked. */
export async function connect(): Promise<void> {
  transport = '__TAURI_INTERNALS__' in window ? await tauriTransport() : httpTransport();
}

function via(): Transport {
  if (transport === null) throw new Error('connect() has not been called');
  return transport;
}

const call = <T>(command: string, args: object = {}): Promise<T> => via().call<T>(command, args);

export const backend = {
  kind: () => via().kind,
  pageUrl: (form: string, page: number) => via().pageUrl(form, page),
  pickAndImport: (choice: Choice) => via().pickAndImport(choice),
  listenDrops: (listener: DropListener) => via().listenDrops(listener),

  status: () => call<DeskStatus>('status'),
  importPaths: (paths: string[]) => call<ImportStatus>('import_paths', { paths }),
  importPause: (paused: boolean) => call<ImportStatus>('import_pause', { paused }),
  importItems: (offset: number, limit: number) =>
    call<{ total: number; items: ImportItem[] }>('import_items', { offset, limit }),
  queue: (query: QueueQuery) => call<QueuePage>('queue', { query }),
  /** The next form that waits for a person; from the start when `after` is null. */
  next: (query: QueueQuery, after: string | null) => call<string | null>('next', { query, after }),
  form: (id: string) => call<FormView>('form', { id }),
  decide: (id: string, cell: string, action: CellAction) => call<FormView>('decide', { id, cell, action }),
  act: (id: string, action: FormAction) => call<FormView>('act', { id, action }),
  copiesList: () => call<CopiesItem[]>('copies_list'),
  copies: (mesa: string, corporacion: string) => call<CopiesView>('copies', { mesa, corporacion }),
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
  quality: () => call<PersonQuality[]>('quality'),
  removeDemo: () => call<DeskStatus>('remove_demo'),
};
