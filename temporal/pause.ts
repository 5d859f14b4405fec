import { setTimeout } from 'node:timers/promises';

/** @throws the signal's reason; Node's own rejects with an AbortError, whatever the reason */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
