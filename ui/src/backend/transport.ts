import type { Failure, FieldProblem, ImportStatus } from './types';

/** What is chosen from the disk. */
export type Choice = 'files' | 'folder';

/** Told how far files are that are brought to the desk, 0–1; what it gets ends the bringing when called. */
export type Watcher = (share: number, stop: () => void) => void;

/** Told while files are dragged over the window and when they are let go. */
export interface DropListener {
  over(inside: boolean): void;
  /** `bring` hands over what was dropped; null when nothing in it is a file. */
  dropped(bring: (watch: Watcher) => Promise<ImportStatus | null>): void;
}

/** How the interface reaches the desk: through the window's shell, or over HTTP. */
export interface Transport {
  readonly kind: 'tauri' | 'http';
  /** Runs a command of the desk. Rejects with {@link DeskFailure}. */
  call<T>(command: string, args: object): Promise<T>;
  /** Address of a page image; pages count from 1. */
  pageUrl(form: string, page: number): string;
  /** Lets the person choose and imports the choice; null when nothing was chosen. */
  pickAndImport(choice: Choice, watch: Watcher): Promise<ImportStatus | null>;
  /** Listens to files dropped on the window until the returned function is called. */
  listenDrops(listener: DropListener): Promise<() => void>;
}

/** A refusal of the desk with its stable code, or the failure to reach it (`UNREACHABLE`). */
export class DeskFailure extends Error implements Failure {
  readonly code: string;
  /** Fields of what was sent that break a rule. */
  readonly fields: FieldProblem[];

  constructor(code: string, message: string, fields: FieldProblem[] = []) {
    super(message);
    this.name = 'DeskFailure';
    this.code = code;
    this.fields = fields;
  }

  /** Any thrown value as a failure with a code. */
  static from(error: unknown): DeskFailure {
    if (error instanceof DeskFailure) return error;
    if (isFailure(error)) return new DeskFailure(error.code, error.message, error.fields);
    return new DeskFailure('UNREACHABLE', error instanceof Error ? error.message : String(error));
  }
}

function isFailure(value: unknown): value is Failure {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Failure).code === 'string' &&
    typeof (value as Failure).message === 'string'
  );
}
