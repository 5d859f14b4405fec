/** Apart from the suite: it needs Python, and a minute or two. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/fuzz/*.fuzz.ts'],
    globalSetup: 'test/support/temporal-server.ts',
    pool: 'forks',
    testTimeout: 240_000,
    hookTimeout: 120_000,
  },
});
