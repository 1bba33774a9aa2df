// What the detail of a log entry says, in the order in which a person tells it.

/** A part of a detail: its key, and the values before and after, or the one there is. */
export interface Said { key: string; values: readonly string[] }

/** The parts of a detail. What is null or empty was not changed and is not said; unknown keys are told as they are. */
export function detailOf(detail: unknown): Said[] {
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return [];
  const parts = detail as Record<string, unknown>;
  const was = typeof parts['was'] === 'object' && parts['was'] !== null ? (parts['was'] as Record<string, unknown>) : {};
  return Object.entries(parts)
    .filter(([key, value]) => key !== 'was' && value !== null && value !== '')
    .map(([key, value]) => ({ key, values: was[key] === undefined || was[key] === value ? [plain(value)] : [plain(was[key]), plain(value)] }));
}

/** The family of texts that the values of a key belong to. */
export const familyOf = (key: string): string => ({
  role: 'role', status: 'lead', action: 'action', state: 'pipeline', election_type: 'corporacion', copy_type: 'copia', fields: 'personal',
})[key] ?? 'value';

/** What an entry is about when it is no account. */
export function subjectKind(action: string): 'session' | 'lead' | 'job' | 'other' {
  if (['pipeline.job_retried', 'pipeline.job_discarded'].includes(action)) return 'job';
  if (['admin.lead_changed', 'admin.lead_deleted'].includes(action)) return 'lead';
  return ['auth.signed_in', 'auth.signed_out', 'security.refresh_reused'].includes(action) ? 'session' : 'other';
}

/** The end of a long id: enough to tell one from the other. */
export const shortId = (id: string): string => (id.length > 13 ? `…${id.slice(-8)}` : id);

const plain = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
