/**
 * A contract: what may be asked for, and every number that goes with it. The REST route, validation, OpenAPI, worker
 * registration and the workflow's steps are all derived from it.
 *
 * Schemas are functions, because the workflow sandbox reads contracts too and its bundle leaves Zod out: a schema made
 * when the module loads would make every workflow task fail.
 */
import type { z } from 'zod';
import { toMs, type Duration } from './durations.js';
import { retryPolicies, type RetryPolicyName } from './retry-policies.js';

export const taskQueues = ['email', 'files'] as const;
export type TaskQueue = (typeof taskQueues)[number];

export interface StepOptions {
  /** One attempt, from its start to its end. */
  readonly startToClose: Duration;
  /** All attempts together; by default the retry policy's total time. */
  readonly scheduleToClose?: Duration;
  /** Silence after which a worker counts as dead. Needed over 10 s; cancellation reaches a step through it. */
  readonly heartbeat?: Duration;
  readonly retry: RetryPolicyName;
}

/** A step's options, and at compile time what it takes and gives. */
export interface Step<In, Out> extends StepOptions {
  readonly types?: (input: In) => Out;
}

export const step = <In, Out>(options: StepOptions): Step<In, Out> => options;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a step of whatever types
type AnyStep = Step<any, any>;

export interface Job<
  Type extends string = string,
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Steps extends Record<string, AnyStep> = Record<string, AnyStep>,
> {
  /** One word everywhere: the URL, the file names, the workflow type in Temporal. */
  readonly type: Type;
  /** One line for people; also the run's summary in the Temporal Web UI. */
  readonly summary: string;
  readonly taskQueue: TaskQueue;
  /** How long a run may take from its start; then Temporal ends it as timedOut. */
  readonly deadline: Duration;
  readonly input: () => Input;
  readonly output: () => Output;
  /** A body for `input` that works, for OpenAPI, the docs and whoever tries it out. */
  readonly example: z.input<Input>;
  readonly steps: Steps;
  /** The uploaded files that an input names: the API refuses a start that names one it does not hold. */
  filesOf?(input: z.output<Input>): string[];
}

/** @throws RangeError for a contract that could not work; when it is loaded, not when it is used */
export function defineJob<
  const Type extends string,
  Input extends z.ZodType,
  Output extends z.ZodType,
  Steps extends Record<string, AnyStep>,
>(job: Job<Type, Input, Output, Steps>): Job<Type, Input, Output, Steps> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(job.type)) {
    throw new RangeError(`"${job.type}" is no job type. Write it in kebab-case, like email-campaign.`);
  }
  toMs(job.deadline);
  for (const [name, options] of Object.entries(job.steps)) checkStep(`${job.type}: ${name}`, options);
  return job;
}

function checkStep(what: string, options: StepOptions): void {
  const { startToClose, heartbeat } = options;
  const scheduleToClose = scheduleToCloseOf(options);
  if (toMs(scheduleToClose) < toMs(startToClose)) {
    throw new RangeError(
      `${what} may run ${startToClose} but all its attempts only ${scheduleToClose}. Raise scheduleToClose.`,
    );
  }
  if (toMs(startToClose) > 10_000 && heartbeat === undefined) {
    throw new RangeError(
      `${what} may run ${startToClose} without a heartbeat. Over 10s a step needs one, or a dead worker goes unseen.`,
    );
  }
  if (heartbeat !== undefined && toMs(heartbeat) > toMs(startToClose)) {
    throw new RangeError(`${what} has a heartbeat of ${heartbeat}, longer than its ${startToClose}. Lower it.`);
  }
}

export const scheduleToCloseOf = (options: StepOptions): Duration =>
  options.scheduleToClose ?? retryPolicies[options.retry].totalTime;

/**
 * What the workflow of a job is. Its only argument is the job's input, so that Temporal's UI and CLI can start it too;
 * `Carried` is what continue-as-new adds.
 */
export type WorkflowOf<J extends Job, Carried extends unknown[] = []> = (
  input: z.output<ReturnType<J['input']>>,
  ...carried: Carried
) => Promise<z.output<ReturnType<J['output']>>>;

/** The activities that a job's contract asks for. */
export type StepsOf<J extends Pick<Job, 'steps'>> = {
  [Name in keyof J['steps']]: J['steps'][Name] extends Step<infer In, infer Out> ? (input: In) => Promise<Out> : never;
};
