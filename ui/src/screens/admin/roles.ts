import type { server } from '../../backend';

/** In the order in which a person chooses: from seeing to deciding. */
export const ROLES = ['VIEWER', 'OBSERVER', 'OPERATOR', 'VALIDATOR', 'ANALYST', 'AUDITOR', 'ADMIN'] as const satisfies readonly server.Role[];
