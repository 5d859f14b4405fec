/**
 * What a run carries besides its input, under one memo key: readable without a worker, and kept across continue-as-new.
 * A run started from Temporal's UI or CLI has none; the defaults below stand in. Pure: the workflow sandbox reads it too.
 */
export const memoKey = 'longhaul';

/** What to do with an effect of which nobody knows whether it happened: do it again, or leave it for a person. */
export type OnAmbiguous = 'resend' | 'hold';

export interface RunMemo {
  readonly v: 1;
  readonly tenant: string;
  /** sha256 of the job type and the body as sent; tells a replayed Idempotency-Key from a reused one. */
  readonly fingerprint: string;
  readonly onAmbiguous: OnAmbiguous;
  /** ISO 8601. Temporal knows each run's start, but in lists not that of the first run of a continued-as-new chain. */
  readonly createdAt?: string;
  /** ISO 8601: when a delayed run may begin; moved by `reschedule`. */
  readonly runAt?: string;
  /** ISO 8601: when a delayed run began. */
  readonly startedAt?: string;
  /** ISO 8601: what has not begun by then fails as `expired`. */
  readonly expiresAt?: string;
  /** The same for a run that a schedule starts, counted from its start: a schedule's memo is the same for all its runs. */
  readonly expiresInMs?: number;
  /** ISO 8601: since when it is paused; the ledger knows by whom. */
  readonly pausedAt?: string;
  /** ISO 8601: since when it waits because its job type is paused. */
  readonly typePausedAt?: string;
  /** How often it was redriven, and when for the last time (ISO 8601). */
  readonly redrives?: number;
  readonly redrivenAt?: string;
  /** The batch that started it, and its place there. */
  readonly batch?: { readonly workflowId: string; readonly index: number };
  /** The schedule that started it. */
  readonly schedule?: string;
}

export const defaultTenant = 'default';

export function runMemo(memo: Record<string, unknown> | undefined): RunMemo {
  const own = memo?.[memoKey] as Partial<RunMemo> | undefined;
  return {
    ...own,
    v: 1,
    tenant: own?.tenant ?? defaultTenant,
    fingerprint: own?.fingerprint ?? '',
    onAmbiguous: own?.onAmbiguous ?? 'resend',
  };
}

/** The header that tells a step on whose behalf it works; set by the workflow's outbound interceptor. */
export const stepHeader = 'longhaul';

export interface StepHeader {
  readonly tenant: string;
  readonly onAmbiguous: OnAmbiguous;
  /** The first run of a continued-as-new chain: what belongs to one run of a job, and not to an earlier one of the same id. */
  readonly chain: string;
  /** No redrive: what an earlier run under the same ID has done is of another life of its Idempotency-Key, past its retention. */
  readonly isFirst?: true;
  /** The run is being cancelled: its steps tidy up, also while its job type is paused. */
  readonly isCancelling?: true;
  /** ISO 8601: a first attempt that begins later must not begin at all. Only until the run has begun its work. */
  readonly expiresAt?: string;
  /** ISO 8601: the time for which a schedule started the run, for effect keys. */
  readonly scheduledFor?: string;
}
