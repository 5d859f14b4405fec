/** The API as a process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { expect, inject, test } from 'vitest';
import { plainEnv, repository } from '../support/process.js';
import { startStack } from '../support/stack.js';
import { campaign } from './api.js';

/** Runs it to its end. */
async function ends(env: Record<string, string>) {
  const child = spawn(process.execPath, [`${repository}/dist/api/main.js`], {
    env: { ...plainEnv(), TEMPORAL_ADDRESS: inject('temporal').address, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('a wrong setting ends it with the setting’s name and what to do', async () => {
  const { code, stdout, stderr } = await ends({ PORT: 'many', HOST: '0.0.0.0' });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('PORT must be a port from 1 to 65535, got "many".');
});

test('a taken port ends it with the setting’s name and what to do', async () => {
  await using stack = await startStack({ workers: 0, apis: 0 });
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { code, stderr } = await ends({
    PORT: String(port),
    DATA_DIR: stack.dataDir,
    TEMPORAL_NAMESPACE: stack.namespace,
  });
  other.close();
  expect(code).toBe(1);
  expect(stderr).toContain(
    `PORT ${port} on 127.0.0.1 is taken by another process. Stop it, or set PORT to a free port.`,
  );
});

test('on SIGTERM whoever waits is answered, and it exits with 0', async () => {
  await using stack = await startStack({ workers: 0 });
  const { workflowId } = await stack.start('email-campaign', campaign(1).input as never);
  const waiting = fetch(`${stack.url}/v1/runs/${workflowId}/result?wait=60`);
  await fetch(`${stack.url}/v1/runs/${workflowId}`); // answered after the other has arrived
  const startedAt = Date.now();
  const ended = stack.stop('api-1');

  expect((await waiting).status).toBe(202);
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(Date.now() - startedAt).toBeLessThan(4_000);
});

test('its log is JSON lines', async () => {
  await using stack = await startStack({ workers: 0, env: { LOG_LEVEL: 'debug' } });
  await fetch(`${stack.url}/v1/job-types`);
  const lines = stack.log('api-1').trim().split('\n');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ process: 'api' });
});

test('300 MB are streamed to the store without being held', async () => {
  await using stack = await startStack({ workers: 0 });
  const peakKb = () =>
    Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${stack.process('api-1').pid}/status`, 'utf8'))![1]);
  const block = Buffer.alloc(1024 * 1024, 'x');
  const before = peakKb();
  const answer = await fetch(`${stack.url}/v1/files`, {
    method: 'POST',
    body: Readable.toWeb(
      Readable.from(
        (function* () {
          for (let i = 0; i < 300; i++) yield block;
        })(),
        { objectMode: false },
      ),
    ) as ReadableStream,
    duplex: 'half',
  });
  expect(await answer.json()).toMatchObject({ bytes: 300 * 1024 * 1024 });
  expect(peakKb() - before).toBeLessThan(100 * 1024);
});
