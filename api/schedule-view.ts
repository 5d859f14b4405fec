/** A schedule as the API shows it. */
import type { z } from 'zod';
import type { ScheduleFacts, ScheduleRun } from '../temporal/schedule-facts.js';
import { scheduleTime } from '../temporal/schedule-times.js';
import { runInTemporalUi, scheduleInTemporalUi } from '../temporal/ui-links.js';
import type { scheduleAnswers } from './schedule-answers.js';
import type { ScheduleBody } from './schedule-schemas.js';

export type Schedule = z.input<ReturnType<typeof scheduleAnswers>['Schedule']>;

export function scheduleView(uiUrl: string, namespace: string) {
  return (facts: ScheduleFacts): Schedule => {
    const { paused: _paused, note: _note, ...asked } = facts.own.asked as Omit<ScheduleBody, 'input' | 'managedBy'>;
    const { timeZone } = asked;
    const canFire = !facts.paused && facts.remaining !== 0;
    return {
      id: facts.id,
      ...asked,
      type: facts.type,
      input: facts.input,
      paused: facts.paused,
      ...(facts.note !== '' && { note: facts.note }),
      ...(facts.remaining !== undefined && { remaining: facts.remaining }),
      ...(facts.own.managedBy !== undefined && { managedBy: facts.own.managedBy }),
      createdAt: facts.createdAt.toISOString(),
      ...(facts.updatedAt && { updatedAt: facts.updatedAt.toISOString() }),
      next: canFire ? facts.next.slice(0, facts.remaining).map((date) => scheduleTime(date, timeZone)) : [],
      recent: facts.recent.map((run) => ({
        ...shown(run),
        nominalTime: run.nominalTime.toISOString(),
        startedAt: run.startedAt.toISOString(),
        status: run.status,
      })),
      running: facts.running.map(shown),
      taken: facts.taken,
      missed: facts.missed,
      skipped: facts.skipped,
      waiting: facts.waiting,
      dropped: facts.dropped,
      links: { self: `/v1/schedules/${facts.id}`, temporalUi: scheduleInTemporalUi(uiUrl, namespace, facts.id) },
    };
  };

  function shown({ workflowId, runId }: ScheduleRun) {
    return {
      workflowId,
      runId,
      links: {
        self: `/v1/runs/${encodeURIComponent(workflowId).replaceAll('%3A', ':')}`,
        temporalUi: runInTemporalUi(uiUrl, namespace, workflowId, runId),
      },
    };
  }
}
