/** Schemathesis reads /openapi.json and calls every operation, well and badly formed, against a real stack. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onePixel } from '../support/one-pixel.js';
import { startStack, type TestStack } from '../support/stack.js';

const here = import.meta.dirname;
const apiKey = 'a-key-of-the-fuzzer';

const dir = mkdtempSync(join(tmpdir(), 'longhaul-fuzz-'));
let stack: TestStack;
beforeAll(async () => {
  // FUZZ_SECONDS=… node …
  stack = await startStack();
  for (const file of ['schemathesis.toml', 'hooks.py']) copyFileSync(join(here, file), join(dir, file));
  for (const [name, ids] of Object.entries(await thingsIn(stack)))
    writeFileSync(join(dir, `${name}.dict`), listed(ids));
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

test('no request brings about a 5xx, nor an answer that OpenAPI does not tell of', async () => {
  const found = await fuzz(stack.url, ['--max-time', process.env['FUZZ_SECONDS'] ?? '75']);
  expect(found.code, found.report).toBe(0);
  expect(faultsLogged(stack, 'api-1')).toEqual([]);
});

test('with API_KEYS every operation that OpenAPI says needs a key refuses without one', async () => {
  const api = await stack.startApi({ API_KEYS: apiKey });
  const found = await fuzz(stack.urlOf(api), [
    ...['--max-time', '25', '--phases', 'examples,coverage,fuzzing', '--header', `Authorization: Bearer ${apiKey}`],
    ...['--generation-allow-x00', 'true', '--exclude-checks', 'positive_data_acceptance'],
  ]);
  expect(found.code, found.report).toBe(0);
  expect(faultsLogged(stack, api)).toEqual([]);
});

/** Something of everything, by what schemathesis.toml calls it. */
async function thingsIn({ url, client }: TestStack): Promise<Record<string, string[]>> {
  const post = async (path: string, body: unknown) => {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const picture = await client.upload(onePixel);
  const text = await client.upload(new TextEncoder().encode('email,name\nada@example.com,Ada\n'));
  const welcome = { template: 'welcome', recipients: [{ email: 'ada@example.com', name: 'Ada' }] };
  const started = [
    await post('/v1/jobs/email-campaign', { input: welcome, tags: ['fuzz'] }),
    await post('/v1/jobs/email-campaign', { input: welcome, delay: '24h' }),
    await post('/v1/jobs/file-pipeline', { input: { fileId: picture.fileId } }),
    await post('/v1/jobs/file-pipeline', { input: { fileId: text.fileId } }), // fails: no picture
    (await post('/v1/jobs/email-campaign/batch', { runs: [{ input: welcome }, { input: welcome }] }))['batch'],
  ] as { workflowId: string }[];
  for (const { workflowId } of started.filter((_, at) => at !== 1))
    await client.result(workflowId, { waitSeconds: 30 });

  const schedules = [
    await post('/v1/schedules', { type: 'email-campaign', input: welcome, cron: '30 8 * * MON' }),
    await post('/v1/schedules', { type: 'file-pipeline', input: { fileId: picture.fileId }, interval: '1h' }),
  ] as { id: string }[];
  return {
    runs: started.map(({ workflowId }) => workflowId),
    schedules: schedules.map(({ id }) => id),
    files: [picture.fileId, text.fileId],
  };
}

/** In libFuzzer's format. */
const listed = (ids: string[]) => ids.map((id) => `"${id}"\n`).join('');

async function fuzz(url: string, options: string[]): Promise<{ code: number; report: string }> {
  const args = ['--config-file', 'schemathesis.toml', 'run', `${url}/openapi.json`, '--no-color', ...options];
  const child = spawn(schemathesis(), args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  let report = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (report += String(text)));
  const [code] = (await once(child, 'close')) as [number];
  process.stdout.write(report.slice(report.indexOf('= SUMMARY =')).replace(/^= SUMMARY =+\n/, ''));
  return { code, report };
}

/** SCHEMATHESIS names one that is there; else it is installed, into a folder of this run. */
function schemathesis(): string {
  const given = process.env['SCHEMATHESIS'];
  if (given !== undefined && given !== '') return given;
  const venv = join(dir, 'venv');
  if (!existsSync(venv)) {
    execFileSync('python3', ['-m', 'venv', venv]);
    execFileSync(join(venv, 'bin/pip'), ['install', '--quiet', '--requirement', join(here, 'requirements.txt')]);
  }
  return join(venv, 'bin/schemathesis');
}

/** What an API process logged as foreseen by nobody. */
const faultsLogged = (stack: TestStack, api: string) =>
  stack
    .log(api)
    .split('\n')
    .filter((line) => /"level":[56]0/.test(line));
