/** Makes a namespace ready for us: it exists, knows our search attributes, and keeps closed runs long enough. */
import type { ConnectionLike } from '@temporalio/client';
import { grpc, grpcErrorOf } from './errors.js';
import { pause } from './pause.js';
import { searchAttributes } from './search-attributes.js';
import type { Log } from './settings.js';

/** temporal.api.enums.v1.IndexedValueType */
const indexedValueTypes = { KEYWORD: 2, DATETIME: 6, KEYWORD_LIST: 7 };

/** Not ours to do: Temporal Cloud has its own tools for this, and no operator service. */
const refusals: readonly number[] = [grpc.permissionDenied, grpc.unauthenticated, grpc.unimplemented];

/** Trying again can't help. */
const hopeless: readonly number[] = [grpc.invalidArgument];

/**
 * Safe to call from several processes at once and again at every start. Waits for Temporal to come up.
 * Where we may not, it warns once and leaves the namespace as it is.
 * @param retentionMs how long closed runs are kept at least; a longer retention is left alone
 * @throws Error if the namespace can't be made ready; the signal's reason
 */
export async function prepareNamespace(
  connection: ConnectionLike,
  namespace: string,
  retentionMs: number,
  log: Log,
  signal?: AbortSignal,
): Promise<void> {
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    try {
      await connection.withDeadline(Date.now() + 10_000, async () => {
        await ensureNamespace(connection, namespace, retentionMs, log);
        await ensureSearchAttributes(connection, namespace);
        await ensureRetention(connection, namespace, retentionMs, log);
      });
      return;
    } catch (error) {
      signal?.throwIfAborted();
      const fault = grpcErrorOf(error);
      if (fault === undefined) throw error;
      if (refusals.includes(fault.code))
        return log.warn({ namespace, reason: fault.details }, refused(namespace, retentionMs));
      if (hopeless.includes(fault.code) || failures >= 1_000) {
        throw new Error(`Temporal namespace "${namespace}" can't be made ready: ${fault.details}`, { cause: error });
      }
      if (failures % 20 === 10)
        log.warn({ namespace, reason: fault.details }, 'Temporal namespace is not ready yet; trying again');
    }
    await pause(Math.min(50 * 1.5 ** failures, 1_000), signal);
  }
}

async function ensureNamespace(connection: ConnectionLike, namespace: string, retentionMs: number, log: Log) {
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return;
  } catch (error) {
    if (grpcErrorOf(error)?.code !== grpc.notFound) throw error;
  }
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      description: 'Longhaul',
      workflowExecutionRetentionPeriod: durationOf(retentionMs),
    });
    log.info({ namespace }, 'Temporal namespace created');
  } catch (error) {
    if (grpcErrorOf(error)?.code !== grpc.alreadyExists) throw error; // another process was first
  }
  // Each frontend reads its list of namespaces now and then; until it has, the calls below say NOT_FOUND and are tried again.
}

async function ensureSearchAttributes(connection: ConnectionLike, namespace: string) {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const known = Object.entries(customAttributes);
  const missing: Record<string, number> = {};
  for (const { name, type } of Object.values(searchAttributes)) {
    const wanted = indexedValueTypes[type];
    const present = known.find(([knownName]) => knownName === name);
    if (present === undefined) missing[name] = wanted;
    else if ((present[1] as number) !== wanted) {
      throw new Error(
        `Search attribute ${name} of Temporal namespace "${namespace}" has another type than ${type}. Use another namespace (TEMPORAL_NAMESPACE), or remove it.`,
      );
    }
  }
  if (Object.keys(missing).length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: missing });
  } catch (error) {
    if (grpcErrorOf(error)?.code !== grpc.alreadyExists) throw error;
  }
}

async function ensureRetention(connection: ConnectionLike, namespace: string, retentionMs: number, log: Log) {
  const before = await retentionOf(connection, namespace);
  if (before >= retentionMs) return;
  await connection.workflowService.updateNamespace({
    namespace,
    config: { workflowExecutionRetentionTtl: durationOf(retentionMs) },
  });
  const after = await retentionOf(connection, namespace);
  if (after < retentionMs) {
    throw new Error(
      `Temporal namespace "${namespace}" keeps closed runs ${after / 3_600_000} h although ${retentionMs / 3_600_000} h were set. Lower RETENTION, or raise the server's limit.`,
    );
  }
  log.info({ namespace, retentionHours: after / 3_600_000 }, 'Temporal namespace keeps closed runs longer now');
}

async function retentionOf(connection: ConnectionLike, namespace: string): Promise<number> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
}

// The requests' `seconds` is a Long; protobufjs takes a number as well, its types don't.
const durationOf = (ms: number) => ({ seconds: Math.ceil(ms / 1_000) as never });

const refused = (namespace: string, retentionMs: number) =>
  `This account may not set up Temporal namespace "${namespace}" (on Temporal Cloud that is usual). See there that it exists, keeps closed runs ` +
  `${retentionMs / 86_400_000} days, and has the search attributes ${Object.values(searchAttributes)
    .map(({ name, type }) => `${name} (${type})`)
    .join(', ')}.`;
