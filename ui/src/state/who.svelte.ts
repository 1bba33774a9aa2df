import type { server } from '../backend';

/** Who is signed in at the server, as far as the interface asks. */
export interface Who {
  /** Absent where the desk holds the sign-in. */
  id: string | null;
  email: string;
  name: string;
  role: server.Role;
  permissions: readonly server.Permission[];
}

/** The screens of administration, each with the permission that it needs. */
export const SECTIONS = {
  users: 'administer',
  roles: 'administer',
  sessions: 'administer',
  queue: 'manage_pipeline',
  workers: 'manage_pipeline',
  leads: 'administer',
  audit: 'view_audit',
  health: 'administer',
} as const satisfies Record<string, server.Permission>;
export type Section = keyof typeof SECTIONS;

/** The screens that somebody may see; none for most. */
export function sectionsFor(who: Who | null): readonly Section[] {
  return (Object.keys(SECTIONS) as Section[]).filter((section) => who?.permissions.includes(SECTIONS[section]));
}

/** Who is signed in at the server; null where nobody is. */
export const signed = $state<{ who: Who | null }>({ who: null });

/** An account of the server. */
export function whoOf(account: server.Account): Who {
  const { id, email, role, permissions } = account;
  return { id, email, role, permissions, name: `${account.first_name} ${account.last_name}` };
}
