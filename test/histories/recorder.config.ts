/** `npm run record-histories`: makes test/histories/*.json anew. Not part of `npm test`, which only replays them. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/histories/record.ts'],
    globalSetup: 'test/support/temporal-server.ts',
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
