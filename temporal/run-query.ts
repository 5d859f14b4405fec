/** Visibility queries: which runs there are. Some seconds late; good for lists, never for a decision. */
import { defaultTenant } from './memo.js';
import type { RunStatus } from './run.js';
import { searchAttributes } from './search-attributes.js';

const executionStatuses: Record<RunStatus, string> = {
  scheduled: 'Running',
  running: 'Running',
  paused: 'Running',
  cancelling: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  timedOut: 'TimedOut',
};

export interface RunFilter {
  readonly tenant: string;
  /** Workflow types that count. */
  readonly types: readonly string[];
  readonly status?: RunStatus | undefined;
}

/** Of a chain only its latest run. What was started from Temporal's UI has neither Tenant nor JobState. */
export function runQuery({ tenant, types, status }: RunFilter): string {
  const conditions = [
    `WorkflowType IN (${types.map(quoted).join(', ')})`,
    orUnset(searchAttributes.tenant.name, tenant, tenant === defaultTenant),
    status === undefined ? `ExecutionStatus != 'ContinuedAsNew'` : `ExecutionStatus = '${executionStatuses[status]}'`,
  ];
  if (status !== undefined && executionStatuses[status] === 'Running') {
    conditions.push(orUnset(searchAttributes.jobState.name, status, status === 'running'));
  }
  return conditions.join(' AND ');
}

const orUnset = (name: string, value: string, unsetToo: boolean) =>
  unsetToo ? `(${name} = ${quoted(value)} OR ${name} IS NULL)` : `${name} = ${quoted(value)}`;

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
