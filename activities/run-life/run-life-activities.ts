/** The steps that the house itself adds to a run. */
import type { StepsOf } from '../../jobs/define-job.js';
import type { runLife } from '../../jobs/run-life.js';
import type { Ledger } from '../../storage/ledger.js';
import type { StepContext } from '../step-context.js';

export function runLifeActivities({ ledger, stepContext }: { ledger: Ledger; stepContext: () => StepContext }) {
  return {
    async keepDeadLetter({ code, step, message, attempts, rows, tags }) {
      const { tenant, type, holder } = stepContext();
      await ledger.keepDeadLetter({
        workflowId: holder.workflowId,
        chain: holder.chain,
        tenant,
        type,
        status: statusOf(code, rows),
        code,
        step: step ?? null,
        message,
        attempts: attempts ?? null,
        tags,
        failedAt: Date.now(),
      });
    },
  } satisfies StepsOf<typeof runLife>;
}

/** As the API shows it: a delayed run keeps its deadline itself. */
function statusOf(code: string, rows: number | undefined) {
  if (rows !== undefined) return 'completed';
  return code === 'deadline-exceeded' ? 'timedOut' : 'failed';
}
