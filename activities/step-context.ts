/** What a running step knows of its run; set by the worker around each attempt. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { activityInfo, Context } from '@temporalio/activity';
import type { Holder } from '../storage/ledger.js';

export interface StepContext {
  readonly tenant: string;
  /** The job type of the run. */
  readonly type: string;
  readonly onAmbiguous: 'resend' | 'hold';
  readonly holder: Holder;
  /** Not a redrive: receipts of an earlier run under this ID don't count. */
  readonly isFirst: boolean;
  /** ISO 8601: the time for which a schedule started the run. An effect key made of it is the same for a run started again for that time. */
  readonly scheduledFor?: string;
  /** Aborts when the run is cancelled or the worker's time to stop is up. */
  readonly signal: AbortSignal;
  heartbeat(): void;
}

export const hostPrefix = `${hostname()}:`;

/** This process, for the leases in the ledger: host and pid tell whether it lives, the rest tells pids apart that repeat. */
export const thisProcess = `${hostPrefix}${process.pid}:${randomUUID().slice(0, 8)}`;

/** What the workflow sends along with each step: see temporal/memo.ts. */
export const stepHeaders = new AsyncLocalStorage<{
  tenant: string;
  onAmbiguous: 'resend' | 'hold';
  chain: string;
  isFirst?: true;
  isCancelling?: true;
  expiresAt?: string;
  scheduledFor?: string;
}>();

/** @throws Error outside of a step */
export function stepContext(): StepContext {
  const header = stepHeaders.getStore();
  if (header === undefined) throw new Error('stepContext() is for the code of a running step.');
  const info = activityInfo();
  const context = Context.current();
  const { workflowId, runId } = info.workflowExecution ?? { workflowId: '', runId: '' };
  return {
    tenant: header.tenant,
    type: info.workflowType ?? '',
    onAmbiguous: header.onAmbiguous,
    isFirst: header.isFirst === true,
    ...(header.scheduledFor !== undefined && { scheduledFor: header.scheduledFor }),
    signal: context.cancellationSignal,
    heartbeat: () => context.heartbeat(),
    holder: {
      workflowId,
      runId,
      chain: header.chain,
      activityId: info.activityId,
      attempt: info.attempt,
      process: thisProcess,
      heartbeatMs: info.heartbeatTimeoutMs ?? 10_000,
    },
  };
}

/** Heartbeats every second until it is disposed of, for a step that tells no more than that it lives. */
export function beating(context: StepContext): Disposable {
  const timer = setInterval(() => context.heartbeat(), 1_000);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
