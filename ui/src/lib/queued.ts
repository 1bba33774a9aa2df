import type { server } from '../backend';
import { count, speech, t } from '../text/index.svelte';
import { number } from './number';

// What a request for readings found besides forms that wait now.
const OTHERS = ['RUNNING', 'DONE', 'DEAD', 'DISCARDED'] as const satisfies readonly server.JobState[];

/** What became of a request to have forms read: how many wait, and where those stand that do not. */
export function queuedSaid({ files, jobs, left }: server.QueuedFiles): string {
  const say = (stem: string, n: number) => count(stem, n, number(n, speech.language));
  const of = (state: server.JobState) => jobs.filter((job) => job.state === state).length;
  const others = OTHERS.map((state) => ({ stem: `enqueue.done.${state}`, n: of(state) }));
  // A department names the jobs that are new alone.
  const known = { stem: 'enqueue.known', n: files - jobs.length - left };
  const told = [...others, known].filter(({ n }) => n > 0).map(({ stem, n }) => say(stem, n));
  const said = [say('enqueue.done', of('QUEUED')), ...told].join('; ');
  return left > 0 ? `${said}. ${t('enqueue.left', { n: number(left, speech.language) })}` : said;
}
