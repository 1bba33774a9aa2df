// What a browser calls itself, as a person would say it.

const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/^castor[/ ]?([\d.]+)?/i, 'CASTOR'], [/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari'], [/^curl\//, 'curl'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux'],
];

/** `Firefox · Windows`; the beginning of what it said where it is none that is known. */
export function deviceName(agent: string): string {
  const of = (known: readonly (readonly [RegExp, string])[]) => known.find(([sign]) => sign.test(agent))?.[1];
  const browser = of(BROWSERS);
  return browser === undefined ? agent.slice(0, 40) : [browser, of(SYSTEMS)].filter(Boolean).join(' · ');
}
