/** Visibility queries: which runs there are. Some seconds late; good for lists, never for a decision. */
import { deadlineCode } from './failure.js';
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
  readonly tag?: string | undefined;
  /** Created at or after, and before. */
  readonly after?: Date | undefined;
  readonly before?: Date | undefined;
}

/** Of a chain only its latest run. What was started from Temporal's UI has neither Tenant nor JobState. */
export function runQuery({ tenant, types, status, tag, after, before }: RunFilter): string {
  return [
    `WorkflowType IN (${types.map(quoted).join(', ')})`,
    orUnset(searchAttributes.tenant.name, tenant, tenant === defaultTenant),
    ...statusConditions(status),
    ...(tag === undefined ? [] : [`${searchAttributes.tags.name} = ${quoted(tag)}`]),
    ...(after === undefined ? [] : [created('>=', after)]),
    ...(before === undefined ? [] : [created('<', before)]),
  ].join(' AND ');
}

/** Of those that are open, whatever their status. */
export const openQuery = (tenant: string, filter: Omit<RunFilter, 'tenant'>): string =>
  `${runQuery({ ...filter, tenant })} AND ExecutionStatus = 'Running'`;

function statusConditions(status: RunStatus | undefined): string[] {
  if (status === undefined) return [`ExecutionStatus != 'ContinuedAsNew'`];
  const isStatus = `ExecutionStatus = '${executionStatuses[status]}'`;
  const isLate = `${searchAttributes.failureCode.name} = ${quoted(deadlineCode)}`; // a delayed run keeps its own deadline
  if (status === 'timedOut') return [`(${isStatus} OR (ExecutionStatus = 'Failed' AND ${isLate}))`];
  if (status === 'failed') {
    return [isStatus, `(${searchAttributes.failureCode.name} IS NULL OR NOT ${isLate})`];
  }
  if (executionStatuses[status] !== 'Running') return [isStatus];
  return [isStatus, orUnset(searchAttributes.jobState.name, status, status === 'running')];
}

/** A run started from Temporal's UI, or by a schedule, doesn't tell when its chain began: then its own start counts. */
function created(is: '>=' | '<', time: Date): string {
  const { name } = searchAttributes.createdAt;
  const at = quoted(time.toISOString());
  return `(${name} ${is} ${at} OR (${name} IS NULL AND StartTime ${is} ${at}))`;
}

const orUnset = (name: string, value: string, unsetToo: boolean) =>
  unsetToo ? `(${name} = ${quoted(value)} OR ${name} IS NULL)` : `${name} = ${quoted(value)}`;

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
