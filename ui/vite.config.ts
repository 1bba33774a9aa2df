import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // The content security policy allows data: for images only; nothing else may be inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The desk's page, and the console that the server serves itself.
    rolldownOptions: { input: ['index.html', 'server.html'] },
  },
  // Development against a running desk: `castor desk --http` or `node tests/fake-desk.mjs`.
  server: { proxy: { '/api': process.env['DESK_URL'] ?? 'http://127.0.0.1:4714' } },
});
