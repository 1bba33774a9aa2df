import { backend, DeskFailure, type DeskStatus, type Settings } from '../backend';
import { keyMap } from '../lib/keys';
import { screensFor } from './route.svelte';
import { sectionsFor, signed, type Who } from './who.svelte';
import { speech } from '../text/index.svelte';

const EVERY_MS = 3_000;
const WHILE_READING_MS = 1_000;

/** What the rail, the status line and the banner show, and the settings in use. */
class Desk {
  status = $state.raw<DeskStatus | null>(null);
  settings = $state.raw<Settings | null>(null);
  /** Set while the desk cannot be reached. */
  unreachable = $state.raw<DeskFailure | null>(null);
  online = $state(navigator.onLine);
  keys = $derived(keyMap(this.settings?.keys ?? {}));
  /** The account at the server; null where nobody has signed in. */
  account = $derived(this.status?.server?.account ?? null);
  screens = $derived(screensFor((permission) => this.may(permission), sectionsFor(signed.who).length > 0));
  reading = $derived((this.status?.import.waiting ?? 0) > 0);

  #timer: ReturnType<typeof setTimeout> | undefined;

  async start(): Promise<void> {
    window.addEventListener('online', () => (this.online = true));
    window.addEventListener('offline', () => (this.online = false));
    document.addEventListener('visibilitychange', () => { if (!document.hidden) void this.refresh(); });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#dress());
    this.#dress();
    await Promise.all([this.#loadSettings(), this.refresh()]);
  }

  /** Whether the signed-in account's role has a permission; everything of this desk's own is open without a server. */
  may(permission: string): boolean {
    return this.account === null || this.account.permissions.includes(permission);
  }

  /** Asks for the state now, and again after a while as long as the window is seen. */
  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      this.#takeStatus(await backend.status());
      if (this.unreachable !== null && this.settings === null) await this.#loadSettings();
      this.unreachable = null;
    } catch (error) {
      this.unreachable = DeskFailure.from(error);
    }
    if (!document.hidden) {
      this.#timer = setTimeout(() => void this.refresh(), this.reading ? WHILE_READING_MS : EVERY_MS);
    }
  }

  async save(settings: Settings): Promise<void> {
    this.#take(await backend.saveSettings(settings));
    await this.refresh();
  }

  /** Takes up settings that changed on the desk itself. */
  async reload(): Promise<void> {
    await Promise.all([this.#loadSettings(), this.refresh()]);
  }

  async removeDemo(): Promise<void> {
    this.#takeStatus(await backend.removeDemo());
  }

  async #loadSettings(): Promise<void> {
    try {
      this.#take(await backend.settings());
    } catch (error) {
      this.unreachable = DeskFailure.from(error);
    }
  }

  #takeStatus(status: DeskStatus): void {
    this.status = status;
    const account = status.server?.account ?? null;
    signed.who = account === null ? null : ({ id: null, ...account } as Who);
  }

  #take(settings: Settings): void {
    this.settings = settings;
    speech.language = settings.language === 'en' ? 'en' : 'es-CO';
    document.documentElement.lang = speech.language;
    this.#dress();
  }

  #dress(): void {
    const chosen = this.settings?.theme;
    const dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
  }
}

export const desk = new Desk();
