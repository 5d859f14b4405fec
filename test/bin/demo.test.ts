import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { listening, processesOf } from '../support/leftovers.js';
import { plainEnv, repository } from '../support/process.js';
import { freePorts, startWholeStack } from '../support/whole-stack.js';

interface Report {
  readonly campaign: { workflowId: string; recipients: number; delivered: number; acceptMs: number; wallMs: number };
  readonly file: {
    workflowId: string;
    derivatives: { name: string; mediaType: string; width: number; height: number; bytes: number }[];
  };
  readonly links: { api: string; temporalUi: string; mail: string };
}

test('the demo delivers 500 mails, makes the derivatives, leaves nothing running, and npm start shows the same runs', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'longhaul-demo-'));
  const ports = await freePorts();
  const { code, stdout, stderr } = await demo({ ...ports, DATA_DIR: dataDir, SMTP_URL: 'smtp://mail.example.com' });
  expect(stderr).toContain('E-mails delivered: 500 of 500');
  expect(code, stderr).toBe(0);
  expect(processesOf(dataDir)).toEqual([]);
  expect(await listening(Object.values(ports).map(Number))).toEqual([]);

  const report = JSON.parse(stdout.trim().split('\n').at(-1)!) as Report;
  expect(report).toEqual({
    campaign: {
      workflowId: expect.stringMatching(/^email-campaign:[0-9a-z]{26}$/) as string,
      recipients: 500,
      delivered: 500,
      acceptMs: expect.any(Number) as number,
      wallMs: expect.any(Number) as number,
    },
    file: {
      workflowId: expect.stringMatching(/^file-pipeline:[0-9a-z]{26}$/) as string,
      derivatives: [
        { name: 'thumbnail', mediaType: 'image/webp', width: 320, height: 213, bytes: expect.any(Number) as number },
        { name: 'webp', mediaType: 'image/webp', width: 1600, height: 1067, bytes: expect.any(Number) as number },
      ],
    },
    links: {
      api: `http://127.0.0.1:${ports['PORT']}`,
      temporalUi: `http://127.0.0.1:${ports['TEMPORAL_UI_PORT']}`,
      mail: `http://127.0.0.1:${ports['MAIL_UI_PORT']}`,
    },
  });

  await using stack = await startWholeStack({ dataDir, env: ports });
  const campaign = await stack.client.run(report.campaign.workflowId);
  expect(campaign.status).toBe('completed');
  expect(campaign.result).toMatchObject({ recipients: 500, sent: 500, failed: 0 });
  expect((await stack.client.run(report.file.workflowId)).status).toBe('completed');
  await stack.interrupt();

  // Interrupted in the middle, it fails, and leaves nothing either.
  const interrupted = await demo({ ...ports, DATA_DIR: dataDir }, { interruptAt: 'Accepted in' });
  expect(interrupted.code).toBe(1);
  expect(processesOf(dataDir)).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
});

async function demo(env: Record<string, string>, { interruptAt = '' } = {}) {
  const child = spawn(process.execPath, [`${repository}/dist/bin/demo.js`, '--json'], {
    env: { ...plainEnv(), TEMPORAL_CLI_PATH: inject('temporal').cli, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (interruptAt !== '') {
    child.stderr.on('data', (chunk: Buffer) => {
      if (String(chunk).includes(interruptAt)) process.kill(-child.pid!, 'SIGINT');
    });
  }
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, code: code as number | null };
}
