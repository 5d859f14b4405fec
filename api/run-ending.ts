/** How closed runs ended: their result, or why they failed. It never changes, so it is asked for once. */
import type { Client } from '@temporalio/client';
import { endingOf, type Ending } from '../temporal/run-ending.js';
import type { RunFacts } from '../temporal/run.js';
import { Recent } from './recent.js';

const kept = 500; // of at most 8 KiB each
const keptChars = 8_192;

export function runEndings(client: Client) {
  const known = new Recent<Ending>(kept);
  const asked = new Map<string, Promise<Ending>>();

  /** Many who waited for one run cost one look. */
  return async (run: RunFacts): Promise<Ending> => {
    const before = known.get(run.runId);
    if (before !== undefined) return before;
    const asking = asked.get(run.runId) ?? ask(run).finally(() => asked.delete(run.runId));
    asked.set(run.runId, asking);
    return asking;
  };

  async function ask(run: RunFacts): Promise<Ending> {
    const ending = await endingOf(client, run);
    if (JSON.stringify(ending).length <= keptChars) known.set(run.runId, ending);
    return ending;
  }
}
