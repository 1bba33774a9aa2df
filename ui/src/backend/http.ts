import { DeskFailure, type Choice, type DropListener, type Transport, type Watcher } from './transport';
import type { ImportStatus } from './types';

/** The desk over HTTP, as `castor desk --http` serves it. */
export function httpTransport(base = '/api/desk'): Transport {
  async function answer<T>(request: Promise<Response>): Promise<T> {
    let response: Response;
    try {
      response = await request;
    } catch (error) {
      throw DeskFailure.from(error);
    }
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return body as T;
    throw DeskFailure.from(body ?? new Error(`HTTP ${response.status}`));
  }

  // Not fetch: it does not say how much has been sent.
  function upload(files: readonly Named[], watch: Watcher): Promise<ImportStatus | null> {
    if (files.length === 0) return Promise.resolve(null);
    const form = new FormData();
    for (const { file, path } of files) form.append('files', file, path);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const stop = () => request.abort();
      request.responseType = 'json';
      request.upload.addEventListener('progress', ({ loaded, total }) => watch(total > 0 ? loaded / total : 0, stop));
      request.addEventListener('load', () => {
        if (request.status < 300) resolve(request.response as ImportStatus);
        else reject(DeskFailure.from(request.response ?? new Error(`HTTP ${request.status}`)));
      });
      request.addEventListener('error', () => reject(DeskFailure.from(new Error('upload'))));
      request.addEventListener('abort', () => resolve(null));
      request.open('POST', `${base}/upload`);
      request.send(form);
      watch(0, stop);
    });
  }

  return {
    kind: 'http',
    call: (command, args) =>
      answer(
        fetch(`${base}/${command}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(args),
        }),
      ),
    pageUrl: (form, page) => `${base}/page/${encodeURIComponent(form)}/${page}`,
    async pickAndImport(choice: Choice, watch: Watcher) {
      const files = await chooseFiles(choice);
      return upload(files.map((file) => ({ file, path: file.webkitRelativePath || file.name })), watch);
    },
    async listenDrops(listener: DropListener) {
      const stop = new AbortController();
      const { signal } = stop;
      // Without this the browser would open the dropped file in place of the application.
      window.addEventListener('dragover', (event) => { event.preventDefault(); listener.over(true); }, { signal });
      window.addEventListener('dragleave', (event) => { if (event.relatedTarget === null) listener.over(false); }, { signal });
      window.addEventListener('drop', (event) => {
        event.preventDefault();
        listener.over(false);
        if (event.dataTransfer === null) return;
        // What was dropped can only be asked for now; folders are looked into afterwards.
        const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
        if (entries.length > 0) listener.dropped(async (watch) => upload(await within(entries), watch));
      }, { signal });
      return () => stop.abort();
    },
  };
}

/** A file under the path by which the person knows it. */
interface Named {
  file: File;
  path: string;
}

/** The files of what was dropped, folders with all that is in them. */
async function within(entries: readonly FileSystemEntry[]): Promise<Named[]> {
  const found: Named[] = [];
  for (const entry of entries) {
    if (entry.isDirectory) found.push(...(await within(await listed(entry as FileSystemDirectoryEntry))));
    else found.push({ file: await opened(entry as FileSystemFileEntry), path: entry.fullPath.replace(/^\//, '') });
  }
  return found;
}

const opened = (entry: FileSystemFileEntry): Promise<File> => new Promise((resolve, reject) => entry.file(resolve, reject));

/** Browsers give a folder in parts, the last of them empty. */
async function listed(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return all;
    all.push(...part);
  }
}

function chooseFiles(choice: Choice): Promise<File[]> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    if (choice === 'folder') input.webkitdirectory = true;
    else input.accept = '.pdf,.png,.jpg,.jpeg,.tif,.tiff,.webp,.zip';
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}
