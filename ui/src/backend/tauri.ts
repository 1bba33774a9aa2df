import { DeskFailure, type Choice, type DropListener, type Transport } from './transport';
import type { ImportStatus } from './types';

/** The desk inside the application's own window. */
export async function tauriTransport(): Promise<Transport> {
  const [{ convertFileSrc, invoke }, { getCurrentWebview }, dialog] = await Promise.all([
    import('@tauri-apps/api/core'),
    import('@tauri-apps/api/webview'),
    import('@tauri-apps/plugin-dialog'),
  ]);

  async function call<T>(command: string, args: object): Promise<T> {
    try {
      return await invoke<T>('desk', { command, args });
    } catch (error) {
      throw DeskFailure.from(error);
    }
  }

  const importPaths = (paths: readonly string[]) => call<ImportStatus>('import_paths', { paths });

  return {
    kind: 'tauri',
    call,
    pageUrl: (form, page) => convertFileSrc(`${form}/${page}`, 'page'),
    async pickAndImport(choice: Choice) {
      const chosen = await dialog.open(
        choice === 'folder'
          ? { directory: true }
          : {
              multiple: true,
              filters: [{ name: 'E-14', extensions: ['pdf', 'png', 'jpg', 'jpeg', 'tif', 'tiff', 'webp', 'zip'] }],
            },
      );
      if (chosen === null) return null;
      return importPaths(typeof chosen === 'string' ? [chosen] : chosen);
    },
    listenDrops: (listener: DropListener) =>
      getCurrentWebview().onDragDropEvent(({ payload }) => {
        if (payload.type === 'enter' || payload.type === 'over') listener.over(true);
        else listener.over(false);
        // The window's shell reads files where they are: nothing is brought.
        if (payload.type === 'drop' && payload.paths.length > 0) listener.dropped(() => importPaths(payload.paths));
      }),
  };
}
