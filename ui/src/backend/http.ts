import { DeskFailure, type Choice, type DropListener, type Transport } from './transport';
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

  function upload(files: readonly File[]): Promise<ImportStatus> {
    const form = new FormData();
    for (const file of files) form.append('files', file, file.webkitRelativePath || file.name);
    return answer(fetch(`${base}/upload`, { method: 'POST', body: form }));
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
    async pickAndImport(choice: Choice) {
      const files = await chooseFiles(choice);
      return files.length > 0 ? upload(files) : null;
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
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length > 0) listener.dropped(upload(files));
      }, { signal });
      return () => stop.abort();
    },
  };
}

function chooseFiles(choice: Choice): Promise<File[]> {
  return new Promise((resolve) => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    if (choice === 'folder') input.webkitdirectory = true;
    else input.accept = '.pdf,.png,.jpg,.jpeg,.tif,.tiff,.zip';
    input.addEventListener('change', () => resolve([...(input.files ?? [])]));
    input.addEventListener('cancel', () => resolve([]));
    input.click();
  });
}
