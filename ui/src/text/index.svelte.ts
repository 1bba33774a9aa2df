import { en } from './en';
import { es, type TextKey } from './es';
import type { Language } from '../lib/number';

export type { TextKey } from './es';

const catalogues: Record<Language, Readonly<Record<TextKey, string>>> = { 'es-CO': es, en };

/** The language that the interface speaks. Reading it in a component makes the component follow it. */
export const speech = $state<{ language: Language }>({ language: 'es-CO' });

/** What fills the `{names}` of a text. */
export type Fillings = Readonly<Record<string, string | number>>;

function filled(text: string, fillings: Fillings): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in fillings ? String(fillings[name]) : whole));
}

/** A text of the catalogue in the language in use. */
export function t(key: TextKey, fillings: Fillings = {}): string {
  return filled(catalogues[speech.language][key], fillings);
}

/** A text for one thing or for several; the keys end in `.one` and `.many`. */
export function count(stem: string, n: number, shown: string, more: Fillings = {}): string {
  return told(`${stem}.${n === 1 ? 'one' : 'many'}`, { ...more, n: shown }) ?? shown;
}

/** A text whose key is put together from a code of the desk; null when the catalogue does not know it. */
export function told(key: string, fillings: Fillings = {}): string | null {
  const catalogue: Readonly<Record<string, string>> = catalogues[speech.language];
  const text = catalogue[key];
  return text === undefined ? null : filled(text, fillings);
}

/** What a failure means (`failure`) or what to do about it (`todo`), in the words of the place where it shows if it has its own. */
export function saidOf(family: 'failure' | 'todo', code: string, place?: string): string | null {
  return (place === undefined ? null : told(`${family}.${code}.${place}`)) ?? told(`${family}.${code}`);
}

/** The text of a code within a family of codes, or the code itself. */
export function word(family: string, code: string | null): string {
  return code === null ? t('word.unknown') : (told(`${family}.${code}`) ?? code);
}
