import { describe, expect, it } from 'vitest';
import { instant, minutesBetween, moment, number, probability, signed } from '../src/lib/number';

describe('numbers', () => {
  it('writes 1.234,5 in Colombia and 1,234.5 in English', () => {
    expect(number(1234.5, 'es-CO', 1)).toBe('1.234,5');
    expect(number(1234.5, 'en', 1)).toBe('1,234.5');
    expect(number(100_000, 'es-CO')).toBe('100.000');
  });

  it('never rounds a probability up to certainty', () => {
    expect(probability(0.9999, 'es-CO')).toBe('0,999');
    expect(probability(0.71, 'es-CO')).toBe('0,71');
    expect(probability(1, 'es-CO')).toBe('1,00');
    expect(probability(0.0004, 'es-CO')).toBe('<0,01');
    expect(probability(0, 'es-CO')).toBe('0,00');
  });

  it('gives differences their sign', () => {
    expect(signed(5, 'es-CO')).toBe('+5');
    expect(signed(-1234, 'es-CO')).toBe('−1.234');
    expect(signed(0, 'es-CO')).toBe('0');
  });

  it('names the year of a moment that lies in another one, and every part of an instant', () => {
    const [at, now] = ['2026-05-31T10:08:09', new Date(2026, 11, 31)];
    expect(moment(at, 'en', now)).not.toContain('2026');
    expect(moment(at, 'en', new Date(2027, 0, 1))).toContain('2026');
    expect(moment(at, 'es-CO', new Date(2025, 11, 31))).toContain('2026');
    expect(instant(at, 'es-CO')).toBe('31/05/2026, 10:08:09');
    expect(instant('2026-05-31T21:08:09', 'en')).toBe('05/31/2026, 21:08:09');
    expect([moment('?', 'en'), instant('?', 'en')]).toEqual(['?', '?']);
  });

  it('counts minutes without a minus zero', () => {
    expect(Object.is(minutesBetween(Date.parse('2026-05-31T10:00:10Z'), '2026-05-31T10:00:00Z'), 0)).toBe(true);
    expect(minutesBetween(Date.parse('2026-05-31T10:00:00Z'), '2026-05-31T10:08:00Z')).toBe(8);
  });
});
