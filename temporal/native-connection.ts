/** A worker's connection. Apart from connection.ts, so that the API doesn't load the SDK's native half (0.3 s, 40 MB). */
import { NativeConnection } from '@temporalio/worker';
import { pause } from './pause.js';
import { connectionOptions, type Log, type TemporalSettings } from './settings.js';

/**
 * Connects, and tries again until Temporal answers: a worker may start before it does.
 * @throws the signal's reason
 */
export async function nativeConnection(
  settings: TemporalSettings,
  { log, signal }: { log: Log; signal?: AbortSignal },
): Promise<NativeConnection> {
  const options = connectionOptions(settings);
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    try {
      return await orAbort(NativeConnection.connect(options), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (failures % 20 === 0) {
        log.warn(
          { address: settings.address, reason: (error as Error).message },
          'Temporal does not answer yet; trying again',
        );
      }
    }
    await pause(Math.min(100 * 1.5 ** failures, 1_000), signal);
  }
}

/** Connecting can't be stopped (a frozen server keeps it waiting), but it need not be waited for. */
async function orAbort(connecting: Promise<NativeConnection>, signal?: AbortSignal): Promise<NativeConnection> {
  if (signal === undefined) return connecting;
  let stopWaiting!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    stopWaiting = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stopWaiting, { once: true });
  });
  try {
    return await Promise.race([connecting, aborted]);
  } finally {
    signal.removeEventListener('abort', stopWaiting);
    if (signal.aborted) void connecting.then((late) => late.close()).catch(() => undefined); // nobody uses it any more
  }
}
