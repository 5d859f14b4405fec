/** The steps of the file pipeline on real storage, outside of a worker. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileActivities } from '../../../activities/files/file-activities.js';
import type { Decoders } from '../../../activities/files/decoders.js';
import { PermanentError } from '../../../jobs/errors.js';
import type { DerivativeName } from '../../../jobs/file-pipeline.js';
import { openStorage } from '../../../storage/index.js';

export interface Attempt {
  readonly tenant?: string;
  readonly signal?: AbortSignal;
  readonly heartbeat?: () => void;
}

export async function fileBench({ decoders }: { decoders?: Decoders } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'longhaul-files-'));
  const storage = await openStorage(dir);
  let attempts = 0;

  const steps = ({ tenant = 'default', signal = new AbortController().signal, heartbeat = () => {} }: Attempt = {}) =>
    fileActivities({
      ...storage,
      ...(decoders && { decoders }),
      stepContext: () => ({
        tenant,
        type: 'file-pipeline',
        isFirst: true,
        onAmbiguous: 'resend',
        signal,
        heartbeat,
        holder: {
          workflowId: 'file-pipeline:test',
          runId: 'run',
          chain: 'run',
          activityId: String((attempts += 1)),
          attempt: 1,
          process: 'test',
          heartbeatMs: 10_000,
        },
      }),
    });

  return {
    ...storage,
    steps,
    async upload(content: Buffer, tenant = 'default') {
      return (await storage.blobs.put(tenant, chunked(content))).fileId;
    },
    async inspect(content: Buffer) {
      return steps().inspectFile(await this.upload(content));
    },
    async derive(content: Buffer, name: DerivativeName) {
      const made = await steps().makeDerivative({ fileId: await this.upload(content), name });
      return { made, content: await this.read(made.fileId) };
    },
    async read(fileId: string) {
      return buffer(await storage.blobs.open(fileId));
    },
    async remove(fileId: string) {
      const sha256 = fileId.split('.')[1]!;
      await rm(join(dir, 'blobs', 'default', sha256.slice(0, 2), sha256));
    },
    /** Of whatever kind, also half-made. */
    async storedFiles() {
      const entries = await readdir(join(dir, 'blobs'), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    },
    async [Symbol.asyncDispose]() {
      await storage.close();
      await rm(dir, { recursive: true });
    },
  };
}

/** @returns the failure's code; "tried again" for one that is transient */
export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    (value) => `no failure: ${JSON.stringify(value)}`,
    (error: unknown) => (error instanceof PermanentError ? error.code : `tried again: ${String(error)}`),
  );

async function* chunked(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}
