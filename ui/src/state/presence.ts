import { backend } from '../backend';
import { desk } from './desk.svelte';

/** How often it is said that somebody is here, in milliseconds: far less than the time of a lease. */
const EVERY_MS = 60_000;

let said = -Infinity;

/** Somebody is at the review screen: forms lent to this desk stay theirs. Without this they go back to the queue. */
export function somebodyHere(now: number = performance.now()): void {
  if (desk.account === null || now - said < EVERY_MS) return;
  said = now;
  // What does not get through now is said with the next key.
  backend.here().catch(() => { said = -Infinity; });
}
