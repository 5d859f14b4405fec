import { openApiDocument } from '../openapi.js';
import type { Parts } from '../parts.js';
import type { Route } from '../route.js';
import { getFile, uploadFile } from './files.js';
import { getRun } from './get-run.js';
import { healthz, readyz } from './health.js';
import { getJobType, listJobTypes } from './job-types.js';
import { listRuns } from './list-runs.js';
import { runEvents } from './run-events.js';
import { bulkCancel } from './bulk-cancel.js';
import { discardDeadLetters, listDeadLetters, redriveDeadLetters } from './dead-letters.js';
import { runInputRoute } from './run-input.js';
import { runItems } from './run-items.js';
import { runFailures } from './run-failures.js';
import { runResult } from './run-result.js';
import { pauseJobType, resumeJobType } from './pause-job-type.js';
import { listSchedules, getSchedule, nextOfSchedule, nextOfTiming } from './schedules/read.js';
import { backfillSchedule, pauseSchedule, resumeSchedule, triggerSchedule } from './schedules/steer.js';
import { createSchedule, deleteSchedule, putSchedule } from './schedules/write.js';
import { runWhy } from './run-why.js';
import { startBatch } from './start-batch.js';
import { startRun } from './start-run.js';
import { cancelRun, pauseRun, redriveRun, rescheduleRun, resumeRun, runNow, terminateRun } from './steer-run.js';

/** Every route there is, OpenAPI's own last: it tells of all. */
export function allRoutes(parts: Parts): Route[] {
  const routes = [
    startRun,
    startBatch,
    listRuns,
    bulkCancel,
    getRun,
    runResult,
    runFailures,
    runItems,
    runInputRoute,
    runWhy,
    runEvents,
    cancelRun,
    terminateRun,
    pauseRun,
    resumeRun,
    rescheduleRun,
    runNow,
    redriveRun,
    listDeadLetters,
    redriveDeadLetters,
    discardDeadLetters,
    listSchedules,
    createSchedule,
    nextOfTiming,
    getSchedule,
    putSchedule,
    deleteSchedule,
    nextOfSchedule,
    pauseSchedule,
    resumeSchedule,
    triggerSchedule,
    backfillSchedule,
    uploadFile,
    getFile,
    listJobTypes,
    getJobType,
    pauseJobType,
    resumeJobType,
    healthz,
    readyz,
  ].map((route) => route(parts));
  return [...routes, openApi(routes, parts)];
}

function openApi(others: Route[], { apiKeys }: Parts): Route {
  const self: Route = {
    method: 'get',
    path: '/openapi.json',
    handle: (_req, res) =>
      void res.type('json').send((document ??= JSON.stringify(openApiDocument([...others, self], apiKeys.length > 0)))),
    docs: {
      operationId: 'openapi',
      summary: 'This document.',
      answers: { 200: { description: 'OpenAPI 3.1', schema: { type: 'object' }, example: { openapi: '3.1.0' } } },
      problems: [],
    },
  };
  let document: string | undefined;
  return self;
}
