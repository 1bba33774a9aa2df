import type { Environment } from 'vitest/runtime';

/** Node, with code made for browsers, where effects run. */
export default { name: 'client', viteEnvironment: 'client', setup: () => ({ teardown: () => {} }) } satisfies Environment;
