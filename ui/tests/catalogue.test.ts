import { parse, type AST } from 'svelte/compiler';
import { describe, expect, it } from 'vitest';
import { en } from '../src/text/en';
import { es } from '../src/text/es';

const CODE = new Map(
  Object.entries(import.meta.glob<string>('../src/**/*.{svelte,ts}', { query: '?raw', import: 'default', eager: true }))
    .map(([path, code]) => [path.replace('../src/', ''), code]),
);
const sources = [...CODE.keys()].filter((name) => !name.startsWith('text/'));
const codeOf = (name: string) => CODE.get(name) ?? '';
const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

// Attributes whose text a person reads or hears.
const SPOKEN = ['title', 'aria-label', 'placeholder', 'alt', 'label'];
// What stands on a key or a sign is the same in every language.
const SIGNS = /^(?:[^\p{L}]*|[A-Z]|Esc|\(?Alt\+|F6|v|Σ|Alt\+1…8)$/u;

/** Texts written into a template instead of the catalogue. */
function loose(node: unknown, found: string[] = []): string[] {
  if (Array.isArray(node)) for (const item of node) loose(item, found);
  else if (typeof node === 'object' && node !== null) {
    const { type } = node as AST.BaseNode;
    if (type === 'Text') found.push((node as AST.Text).data.trim());
    // Lengths and transforms, not words.
    else if (type === 'StyleDirective') return found;
    else if (type === 'Attribute') {
      const { name, value } = node as AST.Attribute;
      if (SPOKEN.includes(name)) loose(value, found);
    } else for (const [key, child] of Object.entries(node)) if (key !== 'parent') loose(child, found);
  }
  return found;
}

describe('catalogue of texts', () => {
  it('has every key in both languages', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(es).sort());
  });

  it('fills the same names in both languages', () => {
    for (const [key, text] of Object.entries(es)) expect([key, names(en[key as keyof typeof es])]).toEqual([key, names(text)]);
  });

  it('leaves no text empty', () => {
    for (const catalogue of [es, en]) for (const [key, text] of Object.entries(catalogue)) expect(text.trim(), key).not.toBe('');
  });

  it('never speaks of guilt', () => {
    for (const catalogue of [es, en]) {
      for (const text of Object.values(catalogue)) expect(text).not.toMatch(/fraude|robo|manipula|fraud|theft|stolen|tamper/i);
    }
  });

  it('holds every key that the code names', () => {
    for (const name of sources) {
      const code = codeOf(name);
      for (const [, key] of code.matchAll(/\bt\('([\w.-]+)'/g)) expect(Object.keys(es), name).toContain(key);
      for (const [, stem] of code.matchAll(/\bcount\('([\w.]+)'/g)) expect(Object.keys(es), name).toContain(`${stem}.many`);
    }
  });

  it.each(['OBJ_001', 'OBJ_002', 'OBJ_003', 'OBJ_004', 'OBJ_005', 'RUN_001', 'RUN_002', 'RUN_003', 'ING_001', 'JOB_001'])('says of a job that ended with %s why, and what to do', (code) => {
    for (const catalogue of [es, en]) expect(Object.keys(catalogue)).toEqual(expect.arrayContaining([`failure.${code}`, `todo.${code}`]));
  });

  it.each(sources.filter((name) => name.endsWith('.svelte')))('%s says nothing of its own', (name) => {
    const { fragment } = parse(codeOf(name), { modern: true });
    expect(loose(fragment).filter((text) => !SIGNS.test(text))).toEqual([]);
  });
});

describe('the door to the desk', () => {
  it('is the only place that knows the window’s shell', () => {
    for (const name of sources.filter((one) => !one.startsWith('backend/'))) {
      expect(codeOf(name), name).not.toMatch(/@tauri-apps|__TAURI|\/api\//);
    }
  });

  it('needs no inline style or script that the policy forbids', () => {
    for (const name of sources.filter((one) => one.endsWith('.svelte'))) {
      expect(codeOf(name), name).not.toMatch(/\sstyle=|\{@html/);
    }
  });
});
