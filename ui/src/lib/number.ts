// Numbers and times as people of Colombia write them: 1.234,5.

export type Language = 'es-CO' | 'en';

const formats = new Map<string, Intl.NumberFormat>();

/** A number with at most `digits` decimals. */
export function number(value: number, language: Language, digits = 0): string {
  const id = `${language}/${digits}`;
  let format = formats.get(id);
  if (format === undefined) {
    format = new Intl.NumberFormat(language, { maximumFractionDigits: digits });
    formats.set(id, format);
  }
  return format.format(value);
}

/** A probability with the digits that tell 0,995 from 1. */
export function probability(value: number, language: Language): string {
  const digits = value > 0.99 && value < 1 ? 3 : 2;
  const say = (n: number) => new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(n);
  // Never rounded to certainty, nor to what cannot be.
  const least = 10 ** -digits;
  if (value > 0 && value < least) return `<${say(least)}`;
  return say(value < 1 ? Math.min(value, 1 - least) : value);
}

/** A difference with its sign. */
export function signed(value: number, language: Language): string {
  return (value > 0 ? '+' : value < 0 ? '−' : '') + number(Math.abs(value), language);
}

/** Whole minutes from one time to another; negative when it has passed. */
export function minutesBetween(from: number, to: string): number {
  // Without the addition a minute just past would be −0.
  return Math.round((Date.parse(to) - from) / 60_000) + 0;
}

/** Day and time, short; with the year where it is not the present one. */
export function moment(at: string, language: Language, now = new Date()): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const year = date.getFullYear() === now.getFullYear() ? {} : ({ year: 'numeric' } as const);
  return new Intl.DateTimeFormat(language, { day: '2-digit', month: 'short', ...year, hour: '2-digit', minute: '2-digit' }).format(date);
}

/** Day with its year, and time to the second, of 24 hours: short and in order, for lists of what happened. */
export function instant(at: string, language: Language): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? at
    : new Intl.DateTimeFormat(language, {
        day: '2-digit', month: '2-digit', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
      }).format(date);
}

/** Time of day. */
export function clock(at: string, language: Language): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? at
    : new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(date);
}
