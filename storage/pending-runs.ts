/** Runs of a batch that were accepted and are not yet in Temporal. Until they are, the ledger answers for them. */

export interface PendingRun {
  readonly workflowId: string;
  readonly type: string;
  readonly tenant: string;
  /** The workflow ID of the batch that will start it. */
  readonly batch: string;
  readonly tags: readonly string[];
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** When it may begin; null for as soon as it is started. */
  readonly dueAt: number | null;
  /** From here on it is Temporal's, or was. */
  readonly startedAt: number | null;
  readonly cancelledAt: number | null;
}

/** Which of those that are not started and not cancelled. */
export interface PendingFilter {
  readonly tenant: string;
  readonly types: readonly string[];
  readonly tag?: string | undefined;
  /** Created at or after, and before, in Unix milliseconds. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
}

export interface PendingRuns {
  /** In one transaction. A run that is there already stays as it is. */
  keepPending(runs: readonly Omit<PendingRun, 'startedAt' | 'cancelledAt'>[]): Promise<void>;
  pendingRun(workflowId: string): Promise<PendingRun | undefined>;
  /** @returns false for one that is being started, or was; true also when it had been cancelled before */
  cancelPending(workflowId: string, at: number): Promise<boolean>;
  countPending(filter: PendingFilter): Promise<number>;
  /** Cancels all that the filter fits; the act is kept for each. @returns how many */
  cancelAllPending(filter: PendingFilter, act: { by: string; reason: string | null; at: number }): Promise<number>;
  /** From now on it can't be cancelled here. @returns false for one that was cancelled */
  beginPending(workflowId: string, at: number): Promise<boolean>;
}
