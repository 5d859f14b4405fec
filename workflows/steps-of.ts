import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { scheduleToCloseOf, type Job, type Step } from '../jobs/define-job.js';
import { toMs } from '../jobs/durations.js';
import { retryPolicies } from '../jobs/retry-policies.js';

export interface StepCall {
  /** Shown beside the step in the Temporal Web UI. */
  readonly summary?: string;
  /** May start at once on the worker that runs the workflow. That pins a run's steps to one worker: false shares them. */
  readonly eager?: boolean;
}

type HasSteps = Pick<Job, 'steps'>;

export type ConfiguredSteps<J extends HasSteps> = {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- a step of whatever types
  [Name in keyof J['steps']]: J['steps'][Name] extends Step<any, any>
    ? (input: InOf<J['steps'][Name]>, call?: StepCall) => Promise<OutOf<J['steps'][Name]>>
    : never;
};
type InOf<S> = S extends Step<infer In, infer _Out> ? In : never;
type OutOf<S> = S extends Step<infer _In, infer Out> ? Out : never;

/** The steps of a job, typed and with the time-outs and retries of its contract. */
export function stepsOf<J extends HasSteps>(job: J): ConfiguredSteps<J> {
  return Object.fromEntries(Object.keys(job.steps).map((name) => [name, configured(job, name)])) as ConfiguredSteps<J>;
}

function configured(job: HasSteps, name: string) {
  const proxy = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>(optionsOf(job, name))[name]!;
  return (input: unknown, { summary, eager = true }: StepCall = {}) =>
    proxy.executeWithOptions({ allowEagerDispatch: eager, ...(summary !== undefined && { summary }) }, [input]);
}

function optionsOf(job: HasSteps, name: string): ActivityOptions {
  const options = job.steps[name]!;
  const policy = retryPolicies[options.retry];
  return {
    startToCloseTimeout: toMs(options.startToClose),
    scheduleToCloseTimeout: toMs(scheduleToCloseOf(options)),
    ...(options.heartbeat !== undefined && { heartbeatTimeout: toMs(options.heartbeat) }),
    // A cancelled run ends when its steps have: nothing half made, and the counts are true.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: toMs(policy.initialInterval),
      backoffCoefficient: policy.coefficient,
      maximumInterval: toMs(policy.maximumInterval),
      maximumAttempts: policy.attempts,
      nonRetryableErrorTypes: [...policy.nonRetryable],
    },
  };
}
