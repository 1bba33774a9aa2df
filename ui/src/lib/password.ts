// Temporary passwords: read out over the telephone without mistaking one sign for another.

const SIGNS = 'abcdefghjkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const LENGTH = 4;
export const SHORTEST = 12;
export const LONGEST = 256;

/** Sixteen signs in four groups: 79 bits. `random` fills an array with random bytes. */
export function temporaryPassword(random: (into: Uint8Array<ArrayBuffer>) => void = (into) => crypto.getRandomValues(into)): string {
  const signs: string[] = [];
  const bytes = new Uint8Array(32);
  // Above this the signs would not be equally likely.
  const end = 256 - (256 % SIGNS.length);
  while (signs.length < GROUPS * LENGTH) {
    random(bytes);
    for (const byte of bytes) if (byte < end && signs.length < GROUPS * LENGTH) signs.push(SIGNS[byte % SIGNS.length] ?? '');
  }
  return Array.from({ length: GROUPS }, (_, n) => signs.slice(n * LENGTH, (n + 1) * LENGTH).join('')).join('-');
}

/** Whether a password has a length that the server takes. It asks more, and says so. */
export function fits(password: string): boolean {
  const length = [...password].length;
  return length >= SHORTEST && length <= LONGEST;
}
