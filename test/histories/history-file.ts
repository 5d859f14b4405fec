/** Golden histories as files: one event per line, and nothing of the machine that recorded them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { historyToJSON, type History } from '@temporalio/common/lib/proto-utils.js';
import { repository } from '../support/process.js';

export interface RecordedEvent {
  readonly eventType: string;
  readonly [attributes: string]: unknown;
}

export interface RecordedHistory {
  readonly events: readonly RecordedEvent[];
}

const folder = new URL('./', import.meta.url);
const path = (name: string) => fileURLToPath(new URL(`${name}.json`, folder));

/** `<job type>.<state>`; of a chain of continued-as-new runs each execution: `<job type>.<state>-<n>`. */
export const recordedNames = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();

export const readHistory = (name: string): RecordedHistory =>
  JSON.parse(readFileSync(path(name), 'utf8')) as RecordedHistory;

/** @throws if it still shows where it was recorded */
export function writeHistory(name: string, history: History): void {
  const { events } = scrubbed(JSON.parse(historyToJSON(history))) as RecordedHistory;
  const told = [hostname(), repository, homedir(), tmpdir(), userInfo().username].filter((word) =>
    `${JSON.stringify(events)}${decodedPayloads(events).join('')}`.includes(word),
  );
  if (told.length > 0) throw new Error(`${name} shows ${told.join(', ')}, which no history may: add it to noise`);
  writeFileSync(path(name), `{"events":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`);
}

/** Text of every payload: in JSON they are base64, where no search finds a word. */
export function decodedPayloads(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'data' && typeof inner === 'string' ? [Buffer.from(inner, 'base64').toString()] : decodedPayloads(inner),
  );
}

/** Who and where, which replay reads nothing of, and what changes each time without telling anything. */
export const noise = new Set([
  ...['identity', 'stackTrace', 'workerVersion', 'buildId', 'binaryChecksum', 'inheritedBuildId', 'deploymentVersion'],
  ...['workerDeploymentName', 'workerDeploymentVersion', 'meteringMetadata', 'taskId', 'version'],
]);

function scrubbed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(scrubbed);
  if (typeof value !== 'object' || value === null) return value;
  // A sticky task queue is named after its worker: the name of the workflow's own stands beside it.
  const { kind, normalName } = value as { kind?: unknown; normalName?: unknown };
  const fields = Object.entries(kind === 'TASK_QUEUE_KIND_STICKY' ? { kind, name: normalName } : value);
  const kept = fields.filter(([key, inner]) => !noise.has(key) && inner !== null && inner !== '');
  return Object.fromEntries(kept.map(([key, inner]) => [key, scrubbed(inner)]));
}
