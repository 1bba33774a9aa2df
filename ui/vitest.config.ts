import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Effects run only in code that is made for browsers.
const EFFECTS = 'tests/**/*.svelte.test.ts';

export default defineConfig({
  plugins: [svelte()],
  test: {
    projects: [
      { extends: true, test: { name: 'node', include: ['tests/**/*.test.ts'], exclude: [EFFECTS], environment: 'node' } },
      {
        extends: true,
        resolve: { conditions: ['browser'] },
        test: { name: 'client', include: [EFFECTS], environment: './tests/client.ts', server: { deps: { inline: ['svelte'] } } },
      },
    ],
  },
});
