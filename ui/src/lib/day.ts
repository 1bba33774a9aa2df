// Days as the filter of a log asks for them, in the time of this computer.

/** The instant at which a day such as `2026-05-31` begins, or the day after it; null for none. */
export function startOf(day: string, after = 0): string | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (parts === null) return null;
  const date = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + after);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Seconds as the two largest units: `3 d 4 h`, `12 min`. */
export function lasting(seconds: number): string {
  const units: readonly (readonly [number, string])[] = [[86_400, 'd'], [3_600, 'h'], [60, 'min'], [1, 's']];
  const first = units.findIndex(([size]) => seconds >= size);
  if (first < 0) return '0 s';
  const said = units.slice(first, first + 2).map(([size, name], n) => {
    const above = n === 0 ? Infinity : (units[first]?.[0] ?? Infinity);
    return [Math.floor((seconds % above) / size), name] as const;
  });
  return said.filter(([n], at) => at === 0 || n > 0).map(([n, name]) => `${n} ${name}`).join(' ');
}
