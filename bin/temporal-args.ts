/** How the local Temporal server is started. */

export function temporalArgs(
  { port, uiPort }: { port: number; uiPort: number },
  namespace: string,
  databaseFile: string | undefined,
): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...(namespace === 'default' ? [] : ['--namespace', namespace]),
    // Without a file all is in memory. WAL with full sync loses nothing at a power failure and is 1.5 times as fast as
    // the default journal.
    ...(databaseFile === undefined ? [] : ['--db-filename', databaseFile]),
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=full'],
    // By default each of a shard's queues is read 20 times a second at most, so that every step waits some 50 ms.
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=1000'],
    ...['--dynamic-config-value', 'history.timerProcessorMaxPollRPS=1000'],
    // By default a retry delay under a second becomes one of a second, and jitter is lost.
    ...['--dynamic-config-value', 'history.timerProcessorMaxTimeShift="10ms"'],
    ...['--log-level', 'error', '--log-format', 'json'],
  ];
}
