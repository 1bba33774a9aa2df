// What administrators ask the server, each question once. Types are made from the server's own document.

import type { Query, Server } from './server';
import type {
  Account, AccountCorrection, AuditEntry, Check, Count, Deleted, DepartmentWish, Ended, Figures, Health, Job, JobState, Freed, Lead, LeadStatus, LentForm, OwnSession, Pipeline, QueuedFiles, Retried, Role,
  RoleInfo, Run, SessionOfUser, TableWish, User,
} from './server-types';

/** Which accounts. */
export interface UserQuery { search: string; role: Role | null; active: boolean | null }
/** Which entries of the log. */
export interface AuditFilter { actor: string | null; subject: string | null; action: string | null; from: string | null; to: string | null }
/** Whose audit log: the services may run apart, each with its own. */
export type Log = 'core' | 'e14';
const LOGS: Readonly<Record<Log, string>> = { core: '/api/audit', e14: '/api/e14/audit' };
/** A person who gets an account. */
export interface Newcomer { email: string; first_name: string; last_name: string; role: Role; password: string }

const one = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`;
const asQuery = (of: object): Query => of as Query;

/** The questions over one way to the server. */
export function questions(server: Server) {
  return {
    kind: server.kind,
    me: () => server.ask<Account>('GET', '/api/auth/me'),
    correctMe: (correction: AccountCorrection) => server.ask<Account>('PATCH', '/api/auth/me', { body: correction }),
    ownSessions: () => server.ask<OwnSession[]>('GET', '/api/auth/sessions'),
    endOwnSession: (id: string) => server.ask<Ended>('DELETE', one('/api/auth/sessions', id)),
    changePassword: (current: string, next: string) => server.ask<Ended>('POST', '/api/auth/password', { body: { current, new: next } }),

    users: (query: UserQuery, before: string | null, limit: number) =>
      server.ask<User[]>('GET', '/api/users', { query: { ...query, before, limit } }),
    userCount: (query: UserQuery) => server.ask<Count>('GET', '/api/users/count', { query: asQuery(query) }),
    user: (id: string) => server.ask<User>('GET', one('/api/users', id)),
    /** With a temporary password that the person changes when signing in. */
    addUser: (user: Newcomer) => server.ask<User>('POST', '/api/users', { body: { ...user, temporary: true } }),
    changeUser: (id: string, change: { role?: Role; active?: boolean }) => server.ask<User>('PATCH', one('/api/users', id), { body: change }),
    deleteUser: (id: string) => server.ask<Deleted>('DELETE', one('/api/users', id)),
    resetPassword: (id: string, password: string) => server.ask<User>('POST', `${one('/api/users', id)}/password`, { body: { password } }),
    endSessionsOf: (id: string) => server.ask<Ended>('DELETE', `${one('/api/users', id)}/sessions`),
    roles: () => server.ask<RoleInfo[]>('GET', '/api/roles'),

    sessions: (user: string | null, before: string | null, limit: number) =>
      server.ask<SessionOfUser[]>('GET', '/api/sessions', { query: { user, before, limit } }),
    endSession: (id: string) => server.ask<Ended>('DELETE', one('/api/sessions', id)),

    pipeline: () => server.ask<Pipeline>('GET', '/api/pipeline/status'),
    orderPipeline: (order: 'start' | 'pause' | 'resume' | 'stop', run: Run | null) =>
      server.ask<Pipeline>('POST', `/api/pipeline/${order}`, run === null ? {} : { body: run }),
    jobs: (status: JobState | null, before: string | null, limit: number) =>
      server.ask<Job[]>('GET', '/api/queue/jobs', { query: { status, before, limit } }),
    retryJob: (id: string) => server.ask<Job>('POST', `${one('/api/queue/jobs', id)}/retry`),
    /** Lets those that were given up wait again, those of one failure's code or all; how many, and how many are left. */
    retryJobs: (code: string | null) => server.ask<Retried>('POST', '/api/queue/jobs/retry', { body: { code } }),
    discardJob: (id: string) => server.ask<Job>('POST', `${one('/api/queue/jobs', id)}/discard`),
    leases: (after: LentForm | null, limit: number) =>
      server.ask<LentForm[]>('GET', '/api/queue/leases', { query: { after_laptop: after?.laptop, after_form: after?.id, limit } }),
    takeFormBack: (form: string) => server.ask<Freed>('DELETE', one('/api/queue/leases/form', form)),
    takeLaptopBack: (laptop: string) => server.ask<Freed>('DELETE', one('/api/queue/leases/laptop', laptop)),
    enqueueTable: (wish: TableWish) => server.ask<QueuedFiles>('POST', '/api/queue/table', { body: wish }),
    enqueueDepartment: (wish: DepartmentWish) => server.ask<QueuedFiles>('POST', '/api/queue/department', { body: wish }),

    leads: (status: LeadStatus | null, before: string | null, limit: number) =>
      server.ask<Lead[]>('GET', '/api/leads', { query: { status, before, limit } }),
    leadCount: (status: LeadStatus | null) => server.ask<Count>('GET', '/api/leads/count', { query: { status } }),
    changeLead: (id: string, status: LeadStatus) => server.ask<Lead>('PATCH', one('/api/leads', id), { body: { status } }),
    deleteLead: (id: string) => server.ask<Deleted>('DELETE', one('/api/leads', id)),

    audit: (log: Log, filter: AuditFilter, before: number | null, limit: number) =>
      server.ask<AuditEntry[]>('GET', LOGS[log], { query: { ...filter, before, limit } }),
    saveAudit: (log: Log, filter: AuditFilter, name: string) => server.save(`${LOGS[log]}/export`, asQuery(filter), name),

    health: () => server.ask<Health>('GET', '/api/health'),
    dependencies: () => server.ask<Check[]>('GET', '/api/health/dependencies'),
    figures: () => server.ask<Figures>('GET', '/api/health/figures'),
  };
}

export type Questions = ReturnType<typeof questions>;
