/**
 * Finds runs that ended badly without being able to keep a dead letter: timed out, terminated in Temporal's UI, or failed
 * while the ledger was away. Several workers may do it at once: a letter that is there stays as it is.
 */
import type { Client } from '@temporalio/client';
import type { Ledger } from '../storage/ledger.js';
import { describeRun } from '../temporal/describe-run.js';
import { keepLetterOf } from '../temporal/redrive-run.js';
import { factsOf } from '../temporal/run.js';

const mark = 'dead-letter-sweep';
const firstLookMs = 24 * 3_600_000;
/** Visibility is late by some seconds, clocks differ by some. */
const overlapMs = 120_000;
const pageSize = 500;

export function deadLetterSweep(ledger: Ledger, client: Client, types: readonly string[]): () => Promise<void> {
  let seen = new Map<string, number>(); // run IDs, with the turn that saw them last
  let turn = 0;

  return async () => {
    const startedAt = Date.now();
    const from = ((await ledger.mark(mark)) ?? startedAt - firstLookMs) - overlapMs;
    const query = [
      `ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated')`,
      `WorkflowType IN (${types.map((type) => `'${type}'`).join(', ')})`,
      `CloseTime >= '${new Date(from).toISOString()}'`,
    ].join(' AND ');
    turn += 1;
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const page = await client.workflowService.listWorkflowExecutions({
        namespace: client.options.namespace,
        ...{ query, pageSize, nextPageToken },
      });
      for (const info of page.executions) {
        const { workflowId, runId } = factsOf(info);
        if (!seen.has(runId)) {
          const facts = await describeRun(client, workflowId, runId); // a list doesn't tell the chain's first run
          if (facts !== undefined) await keepLetterOf(client, ledger, facts);
        }
        seen.set(runId, turn);
      }
      nextPageToken = page.nextPageToken;
    } while (nextPageToken.length > 0);
    seen = new Map([...seen].filter(([, last]) => last === turn));
    await ledger.setMark(mark, startedAt);
    await endLostRedrives(ledger, client, startedAt);
  };
}

/** A process died between taking a letter and starting its run, or saying so: whether another run began tells which. */
async function endLostRedrives(ledger: Ledger, client: Client, at: number): Promise<void> {
  for (const { workflowId, chain } of await ledger.lostRedrives(at, pageSize)) {
    const facts = await describeRun(client, workflowId);
    await ledger.endRedrive(workflowId, facts !== undefined && facts.firstRunId !== chain);
  }
}
