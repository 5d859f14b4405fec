/** Starts runs: what of a run goes where in Temporal. */
import type { Client } from '@temporalio/client';
import { memoKey, type RunMemo } from './memo.js';
import { searchAttributes } from './search-attributes.js';

export interface RunPlan {
  readonly workflowId: string;
  readonly type: string;
  readonly taskQueue: string;
  /** How long it may take, from when it begins. */
  readonly deadline: string;
  /** Lists by reference. */
  readonly input: unknown;
  /** One line for people, without anything personal. */
  readonly summary: string;
  readonly memo: RunMemo & { readonly createdAt: string };
  readonly tags: readonly string[];
  /** 1 (first) to 5; Temporal's own, which its steps inherit. */
  readonly priority?: number | undefined;
  /** Which earlier run of this workflow ID it may follow; none unless given. */
  readonly after?: 'failure' | 'any-end';
}

const reusePolicies = { failure: 'ALLOW_DUPLICATE_FAILED_ONLY', 'any-end': 'ALLOW_DUPLICATE' } as const;

/**
 * @returns the run ID
 * @throws WorkflowExecutionAlreadyStartedError
 */
export async function startRun(client: Client, plan: RunPlan): Promise<string> {
  const { workflowId, type, taskQueue, deadline, input, summary, memo, tags, priority, after } = plan;
  const dueAt = memo.runAt === undefined ? undefined : new Date(memo.runAt);
  const handle = await client.workflow.start(type, {
    workflowId,
    taskQueue,
    args: [input],
    // It would count the delay too, and can't be moved: a delayed run keeps its deadline itself.
    ...(dueAt === undefined && { workflowExecutionTimeout: deadline }),
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: after === undefined ? 'REJECT_DUPLICATE' : reusePolicies[after],
    memo: { [memoKey]: memo },
    typedSearchAttributes: [
      { key: searchAttributes.tenant, value: memo.tenant },
      { key: searchAttributes.jobState, value: dueAt === undefined ? 'running' : 'scheduled' },
      { key: searchAttributes.createdAt, value: new Date(memo.createdAt) },
      ...(tags.length > 0 ? [{ key: searchAttributes.tags, value: [...tags] }] : []),
      ...(dueAt === undefined ? [] : [{ key: searchAttributes.dueAt, value: dueAt }]),
    ],
    ...(priority !== undefined && { priority: { priorityKey: priority } }),
    staticSummary: summary,
  });
  return handle.firstExecutionRunId;
}
