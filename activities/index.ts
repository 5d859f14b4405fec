/** All activities, made from the tools of one process. */
import type { EmailTools } from './email/email-activities.js';
import { emailActivities } from './email/email-activities.js';
import { fileActivities } from './files/file-activities.js';
import type { Job, StepsOf } from '../jobs/define-job.js';
import type { AnyJob, houseJobs } from '../jobs/index.js';
import type { runLife } from '../jobs/run-life.js';
import { runActivities, type RunTools } from './runs/run-activities.js';
import { runLifeActivities } from './run-life/run-life-activities.js';

type StepsOfEach<J> = J extends Job ? StepsOf<J> : never;
type All<T> = (T extends unknown ? (one: T) => void : never) extends (all: infer Both) => void ? Both : never;
/** The compiler names the step that has no activity. */
type EveryStep = All<StepsOfEach<AnyJob | (typeof houseJobs)[number]>> & StepsOf<typeof runLife>;

export type Tools = EmailTools & RunTools;

export const allActivities = (tools: Tools) =>
  ({
    ...runLifeActivities(tools),
    ...runActivities(tools),
    ...emailActivities(tools),
    ...fileActivities(tools),
    // Yours below: upstream changes nothing here.
  }) satisfies EveryStep;
