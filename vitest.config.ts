import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // One Temporal server for all tests; each stack has its own namespace in it.
    globalSetup: 'test/support/temporal-server.ts',
    pool: 'forks', // native modules and signal handlers want a process
    maxWorkers: 2, // each stack is two processes more
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
