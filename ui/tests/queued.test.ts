import { describe, expect, it } from 'vitest';
import type { server } from '../src/backend';
import { queuedSaid } from '../src/lib/queued';

const jobs = (...states: server.JobState[]) => states.map((state, n) => ({ job_id: String(n), sha256: String(n), state }));

describe('what became of forms that were sent to be read', () => {
  it.each<[string, server.QueuedFiles]>([
    ['3 actas en la cola', { files: 3, jobs: jobs('QUEUED', 'QUEUED', 'QUEUED'), left: 0 }],
    ['0 actas en la cola; 3 ya leídas; 1 abandonada: use Reintentar', { files: 4, jobs: jobs('DONE', 'DEAD', 'DONE', 'DONE'), left: 0 }],
    ['1 acta en la cola; 1 se lee ahora; 1 descartada: use Reintentar', { files: 3, jobs: jobs('RUNNING', 'QUEUED', 'DISCARDED'), left: 0 }],
    ['1 acta en la cola; 1.157 mandadas a leer antes. Quedan 2 por falta de lugar; repita después.', { files: 1_160, jobs: jobs('QUEUED'), left: 2 }],
  ])('%s', (said, answer) => {
    expect(queuedSaid(answer)).toBe(said);
  });
});
