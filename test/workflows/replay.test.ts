/**
 * Workflow code that was changed must still replay the runs that began under the code before: else they hang at their
 * next turn, after the deploy. What to do when one of these is red: docs/changing-workflows.md
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runLife } from '../../jobs/run-life.js';
import { decodedPayloads, noise, readHistory, recordedNames, type RecordedHistory } from '../histories/history-file.js';
import { scenarios } from '../histories/scenarios.js';
import { repository } from '../support/process.js';

const names = recordedNames();
const histories = new Map(names.map((name) => [name, readHistory(name)]));

beforeAll(() => {
  // A red replay is told by its test; `forward`: else the SDK's native half writes lines of its own.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' }, forward: {} } },
  });
});

describe('a run that began under the code before replays under that of now', () => {
  let faults: Map<string, Error>;
  beforeAll(async () => {
    faults = await replay({ codePath: join(repository, 'dist/workflow-bundle.js') });
  });

  test.each(names)('%s', (name) => {
    const fault = faults.get(name);
    if (fault !== undefined) throw fault;
  });
});

test('each step is asked for what it was asked for then; more may be', async () => {
  expect([...(await replay(await bundled(join(repository, 'dist')))).values()]).toEqual([]);
});

describe('the gate turns red', () => {
  const trees: string[] = [];
  afterAll(() => trees.forEach((tree) => rmSync(tree, { recursive: true, force: true })));

  test('for a reordered step, which it names', async () => {
    const faults = await replayChanged('file-pipeline.js', (code) => {
      const first = /^.*await inspectFile\(.*\n/m.exec(code)![0];
      const last = /^.*return \{ source, derivatives: await Promise\.all\(made\) \};\n/m.exec(code)![0];
      return code
        .replace(first, '')
        .replace(last, `const done = await Promise.all(made);\n${first}return { source, derivatives: done };\n`);
    });
    expect(faults.get('file-pipeline.completed')).toMatchObject({
      name: 'DeterminismViolationError',
      message: expect.stringMatching(/inspectFile.*makeDerivative|makeDerivative.*inspectFile/s),
    });
    expect(ofOtherTypes(faults, 'file-pipeline')).toEqual([]);
  });

  test('for a step more', async () => {
    const faults = await replayChanged('batch.js', (code) =>
      code.replace(/^.*await checkedList\(.*\n/m, (line) => `${line}await countOutcomes(null);\n`),
    );
    expect(faults.get('batch.completed')).toMatchObject({ message: expect.stringContaining('countOutcomes') });
    expect(ofOtherTypes(faults, 'batch')).toEqual([]);
  });

  test('for steps of one kind that change places: Temporal itself looks at no input', async () => {
    const faults = await replayChanged('file-pipeline.js', (code) =>
      code.replace('derivatives.map', '[...derivatives].reverse().map'),
    );
    expect(faults.get('file-pipeline.completed')).toMatchObject({ message: expect.stringContaining('thumbnail') });
    expect(ofOtherTypes(faults, 'file-pipeline')).toEqual([]);
  });

  test('for an event more in what all runs have in common, at every job type', async () => {
    const faults = await replayChanged('run-life/delay.js', (code) =>
      code.replace('if (!isWaiting())\n        return;', ''),
    );
    for (const type of ['email-campaign', 'file-pipeline', 'batch', 'bulk']) {
      expect(faults.get(`${type}.completed`), type).toMatchObject({ name: 'DeterminismViolationError' });
    }
  });

  test('no more once the change is behind patched(): runs of before keep their order', async () => {
    const faults = await replayChanged('batch.js', (code) =>
      code
        .replace('import { continueAsNew,', 'import { patched, continueAsNew,')
        .replace(/^.*await checkedList\(.*\n/m, (line) => `${line}if (patched('x')) await countOutcomes(null);\n`),
    );
    expect([...faults.keys()]).toEqual([]);
  });

  /** The histories of all job types, under workflows of which one file is changed. */
  async function replayChanged(file: string, change: (code: string) => string): Promise<Map<string, Error>> {
    const dist = mkdtempSync(join(tmpdir(), 'longhaul-changed-'));
    trees.push(dist);
    for (const folder of ['workflows', 'jobs', 'temporal']) {
      cpSync(join(repository, 'dist', folder), join(dist, folder), { recursive: true });
    }
    writeFileSync(join(dist, 'package.json'), '{"type":"module"}');
    symlinkSync(join(repository, 'node_modules'), join(dist, 'node_modules'));
    const path = join(dist, 'workflows', file);
    const before = readFileSync(path, 'utf8');
    const after = change(before);
    if (after === before) throw new Error(`${file} has changed: this test no longer finds what it is to change`);
    writeFileSync(path, after);
    return replay(await bundled(dist));
  }

  const ofOtherTypes = (faults: Map<string, Error>, type: string) =>
    [...faults.keys()].filter((name) => !name.startsWith(`${type}.`));
});

describe('the histories', () => {
  test('are there of every state that the recorder knows, and of no other', () => {
    const known = Object.values(scenarios).flatMap((some) => Object.keys(some));
    const stateOf = (name: string) => name.replace(/@.*$/, '').replace(/-\d+$/, '');
    expect([...new Set(names.map(stateOf))].sort()).toEqual(known.sort());
  });

  test('end as their names say', () => {
    const ends = {
      completed: 'COMPLETED',
      failed: 'FAILED',
      cancelled: 'CANCELED',
      terminated: 'TERMINATED',
      timed: 'TIMED_OUT',
    };
    for (const [name, { events }] of histories) {
      const [, state] = /\.([a-z]+)/.exec(name)!;
      const end = ends[state as keyof typeof ends];
      if (end !== undefined) expect(events.at(-1)!.eventType, name).toBe(`EVENT_TYPE_WORKFLOW_EXECUTION_${end}`);
    }
    for (const type of ['email-campaign', 'batch', 'bulk']) {
      const { events } = histories.get(`${type}.continued-1`)!;
      expect(events.at(-1)!.eventType).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
    }
  });

  test('show nothing of who recorded them, nor where', () => {
    for (const [name, { events }] of histories) {
      const keys = new Set<string>();
      JSON.stringify(events, (key, value: unknown) => (keys.add(key), value));
      expect(
        [...keys].filter((key) => noise.has(key)),
        name,
      ).toEqual([]);
      const text = JSON.stringify(events) + decodedPayloads(events).join('');
      expect(text.match(/\/(home|root|Users|tmp|work|private)\/|longhaul-worker /g), name).toBeNull();
      const addresses = text.match(/[\w.+-]+@[\w.-]+/g) ?? [];
      expect(
        addresses.filter((address) => !address.endsWith('@example.com')),
        name,
      ).toEqual([]);
    }
  });
});

/** The workflows of this folder, which tell of their steps: `replay` then looks at their inputs too. */
const bundled = (dist: string) =>
  bundleWorkflowCode({
    workflowsPath: join(dist, 'workflows/index.js'),
    workflowInterceptorModules: [
      join(dist, 'workflows/run-life/index.js'),
      fileURLToPath(new URL('fixtures/tell-steps.mjs', import.meta.url)),
    ],
    ignoreModules: ['zod'],
    logger: new DefaultLogger('ERROR'),
  });

/** @returns what went wrong, by name; of a history that replays nothing */
async function replay(workflowBundle: { code: string } | { codePath: string }): Promise<Map<string, Error>> {
  const faults = new Map<string, Error>();
  const steps = new Map<string, AskedFor[]>();
  const step = (info: WorkflowInfo, type: string, args: string) => {
    steps.set(info.workflowId, [...(steps.get(info.workflowId) ?? []), { type, input: JSON.parse(args) as unknown }]);
  };
  const sinks = { replayed: { step: { fn: step, callDuringReplay: true } } };
  const runs = [...histories].map(([workflowId, history]) => ({ workflowId, history }));
  for await (const { workflowId: name, error } of Worker.runReplayHistories({ workflowBundle, sinks }, runs)) {
    const fault = error ?? (steps.has(name) ? otherInput(stepsIn(histories.get(name)!), steps.get(name)!) : undefined);
    if (fault !== undefined) faults.set(name, fault);
  }
  return faults;
}

interface AskedFor {
  readonly type: string;
  readonly input: unknown;
}

interface Scheduled {
  readonly activityTaskScheduledEventAttributes?: {
    readonly activityType: { readonly name: string };
    readonly input: { readonly payloads: { readonly data: string }[] };
  };
}

function stepsIn({ events }: RecordedHistory): AskedFor[] {
  return (events as readonly Scheduled[]).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    if (scheduled === undefined) return [];
    const input = scheduled.input.payloads.map(
      ({ data }) => JSON.parse(Buffer.from(data, 'base64').toString()) as unknown,
    );
    return [{ type: scheduled.activityType.name, input }];
  });
}

/** A field more is fine: only new steps get it. Another value is not: what was done then was done for the old one. */
function otherInput(then: AskedFor[], now: AskedFor[]): Error | undefined {
  try {
    expect(now.slice(0, then.length).map(withoutWords)).toMatchObject(then.map(withoutWords));
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    return new Error(`${message}\nthen: ${JSON.stringify(then)}\nnow: ${JSON.stringify(now)}`, { cause: error });
  }
}

/** A dead letter's note says in words why a run failed: those may be put better. */
const withoutWords = (step: AskedFor): AskedFor => (step.type in runLife.steps ? { ...step, input: 'a note' } : step);
