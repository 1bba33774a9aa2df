import type { FormView } from '../../src/backend';

export function freshForm(n: number): FormView;
