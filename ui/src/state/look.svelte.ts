import { speech } from '../text/index.svelte';
import type { Language } from '../lib/number';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'castor-look';

/** Language and theme of the console, kept by the browser. Nothing else is kept there. */
class Look {
  theme = $state<Theme>('system');

  start(): void {
    const [language, theme] = (localStorage.getItem(KEY) ?? '').split(' ');
    speech.language = language === 'en' ? 'en' : 'es-CO';
    this.theme = THEMES.find((known) => known === theme) ?? 'system';
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#dress());
    this.#dress();
  }

  choose(language: Language, theme: Theme): void {
    speech.language = language;
    this.theme = theme;
    localStorage.setItem(KEY, `${language} ${theme}`);
    this.#dress();
  }

  #dress(): void {
    const dark = this.theme === 'dark' || (this.theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.dataset['theme'] = dark ? 'dark' : 'light';
    document.documentElement.lang = speech.language;
  }
}

export const look = new Look();
