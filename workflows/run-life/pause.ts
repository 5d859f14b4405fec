/**
 * A paused run finishes the steps that run and begins no other. A person pauses one run by an update. Or a whole job
 * type is paused in the ledger: then the worker refuses the run's next step, and the run waits for the signal that the
 * type goes on. Either way a run that is not paused has no event of it.
 */
import {
  ApplicationFailure,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import type { Job } from '../../jobs/define-job.js';
import { steering, typePausedCode, typeResumedSignal } from '../../temporal/steering.js';
import type { Expiry } from './expiry.js';
import { changeMemo, isCancelling, ownMemo } from './memo.js';
import { refuse, refuseWhileCancelling } from './refusals.js';

const pause = defineUpdate<void>(steering.pause);
const resume = defineUpdate<void>(steering.resume);
const typeResumed = defineSignal<[number]>(typeResumedSignal);

export interface Pauses {
  listen(): void;
  /** Outermost: what it lets through goes to the others. */
  readonly holdSteps: WorkflowOutboundCallsInterceptor;
}

export function pauses(job: Job, expiry: Expiry): Pauses {
  let resumedThrough = 0; // the latest pause of the job type of which we know that it is over

  return {
    listen() {
      const pauseIt = () => {
        if (!isPaused()) changeMemo({ pausedAt: now() });
      };
      const resumeIt = () => {
        if (isPaused()) changeMemo({ pausedAt: undefined });
      };
      setHandler(pause, pauseIt, { validator: refuseWhileCancelling });
      setHandler(resume, resumeIt, { validator: () => refuseToResume(job.type) });
      setHandler(typeResumed, (number) => {
        resumedThrough = Math.max(resumedThrough, number);
      });
    },
    holdSteps: {
      async scheduleActivity(input, next) {
        if (job.steps[input.activityType] === undefined) return next(input); // the house's own
        // A run that is being cancelled tidies up, paused or not.
        const mayBegin = () => !isPaused() || isCancelling();
        if (!mayBegin()) await expiry.hold(mayBegin);
        // A step that was refused is begun anew, with all its attempts and time.
        const again = () => {
          const steps = proxyActivities<Record<string, (...args: unknown[]) => Promise<unknown>>>(input.options);
          return steps[input.activityType]!(...input.args);
        };
        try {
          return await expiry.follow(next(input), again);
        } catch (error) {
          const refusedBy = typePauseIn(error);
          if (refusedBy === undefined) throw error;
          await untilTypeResumed(refusedBy);
          return again();
        }
      },
    },
  };

  async function untilTypeResumed(number: number): Promise<void> {
    const isOver = () => resumedThrough >= number;
    if (isOver()) return;
    if (ownMemo().typePausedAt === undefined) changeMemo({ typePausedAt: now() });
    await expiry.hold(isOver);
    if (ownMemo().typePausedAt !== undefined) changeMemo({ typePausedAt: undefined });
  }
}

function refuseToResume(type: string): void {
  refuseWhileCancelling();
  if (isPaused() || ownMemo().typePausedAt === undefined) return;
  throw refuse(typePausedCode, `All of ${type} is paused: POST /v1/job-types/${type}/resume ends that.`);
}

const isPaused = () => ownMemo().pausedAt !== undefined;

/** @returns the number of the pause that a step was refused by */
function typePauseIn(error: unknown): number | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && cause.type === typePausedCode) return cause.details?.[0] as number;
  }
  return undefined;
}

const now = () => new Date(Date.now()).toISOString();
