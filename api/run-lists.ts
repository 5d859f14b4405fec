/** Lists of runs: told by Temporal's visibility, some seconds late, and never the basis of a decision. */
import type { Client } from '@temporalio/client';
import { openQuery, runQuery, type RunFilter } from '../temporal/run-query.js';
import type { OpenStatus } from '../temporal/run.js';
import { cursorOf, tokenIn } from './list-cursor.js';
import type { RunView } from './run-view.js';
import type { Run } from './run.js';
import { withinMs } from './within.js';

type OpenFilter = Omit<RunFilter, 'tenant' | 'status'> & { status?: OpenStatus | undefined };

export function runLists({ client, view }: { client: Client; view: RunView }) {
  const { namespace } = client.options;

  return {
    async list(
      tenant: string,
      { limit, cursor, ...filter }: Omit<RunFilter, 'tenant'> & { limit: number; cursor?: string | undefined },
    ): Promise<{ runs: Run[]; nextCursor: string | null }> {
      const query = runQuery({ tenant, ...filter });
      const token = cursor === undefined ? undefined : tokenIn(cursor, query);
      const { executions, nextPageToken } = await page(query, limit, token);
      return {
        runs: executions.map(view.listed),
        nextCursor: nextPageToken.length > 0 ? cursorOf(nextPageToken, query) : null,
      };
    },

    async countOpen(tenant: string, filter: OpenFilter): Promise<number> {
      const query = openQuery(tenant, filter);
      const { count } = await withinMs(client, undefined, () =>
        client.workflowService.countWorkflowExecutions({ namespace, query }),
      );
      return Number(count);
    },

    async listOpen(tenant: string, { limit, ...filter }: OpenFilter & { limit: number }): Promise<Run[]> {
      return (await page(openQuery(tenant, filter), limit)).executions.map(view.listed);
    },

    async *eachOpen(tenant: string, filter: OpenFilter): AsyncGenerator<string> {
      const query = openQuery(tenant, filter);
      let token: Uint8Array | undefined;
      do {
        const { executions, nextPageToken } = await page(query, 1_000, token);
        for (const { execution } of executions) yield execution?.workflowId ?? '';
        token = nextPageToken;
      } while (token.length > 0);
    },
  };

  function page(query: string, pageSize: number, nextPageToken?: Uint8Array) {
    return withinMs(client, undefined, () =>
      client.workflowService.listWorkflowExecutions({
        namespace,
        query,
        pageSize,
        ...(nextPageToken && { nextPageToken }),
      }),
    );
  }
}
