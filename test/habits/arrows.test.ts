/** The import arrows of eslint.config.js, held to their own table here: who may import whom, and what a refusal says. */
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { describe, expect, test } from 'vitest';

const pureNames = 'failure memo progress search-attributes steering'.split(' ').map((name) => `temporal/${name}`);

const mayImport: Record<string, string[]> = {
  'jobs/a.ts': [],
  'workflows/a.ts': ['jobs', ...pureNames],
  'workflows/run-life/a.ts': ['jobs', ...pureNames],
  'activities/files/a.ts': ['jobs', 'storage', 'templates'],
  'workers/a.ts': ['workflows', 'activities', 'jobs', 'temporal', 'storage', 'config'],
  'api/routes/a.ts': ['jobs', 'temporal', 'storage', 'config'],
  'temporal/a.ts': [],
  'storage/a.ts': [],
  'templates/a.ts': [],
  'client/a.ts': [],
  'web/a.ts': ['client'],
  'bin/a.ts': ['config', 'client'],
  'bench/a.ts': ['client', 'bin', 'config', 'templates'],
  'config.ts': ['jobs'],
  'schedules.ts': [],
};

const folders = 'jobs workflows activities workers api temporal storage templates client web bin bench config'.split(
  ' ',
);
const targets = [...folders, ...pureNames];

describe('the arrows', () => {
  test.each(Object.entries(mayImport))('%s may import %j and nothing else of the house', async (file, allowed) => {
    const own = file.split(/[/.]/)[0]!;
    const others = targets.filter((target) => target.split('/')[0] !== own);
    const expected = others.filter((target) => allowed.includes(target) || allowed.includes(target.split('/')[0]!));

    const faults = await lint(
      file,
      others.map((target) => `import ${JSON.stringify(pathTo(target, file))};`).join('\n'),
    );

    const refused = new Set(faults.map(({ line }) => others[line - 1]));
    expect(others.filter((target) => !refused.has(target))).toEqual(expected);
    for (const { message } of faults) expect(message).toMatch(new RegExp(`${own} may import .*: .+\\.$`));
  });

  test('schedules.ts may import types of client and jobs, and only types', async () => {
    expect(await lint('schedules.ts', `import type { Longhaul } from './client/index.js';`)).toEqual([]);
    expect(await messages('schedules.ts', `import { Longhaul } from './client/index.js';`)).toEqual([
      expect.stringContaining('schedules may import only types of client, by "import type"'),
    ]);
  });

  test.each(['templates', 'client'])('%s may import types of jobs, and only types', async (from) => {
    expect(await lint(`${from}/a.ts`, `import type { JobType } from '../jobs/index.js';`)).toEqual([]);
    expect(await messages(`${from}/a.ts`, `import { jobs } from '../jobs/index.js';`)).toEqual([
      expect.stringContaining(`${from} may import only types of jobs, by "import type"`),
    ]);
  });

  test('elsewhere an arrow holds for types too', async () => {
    const asked = `import type { FileTools } from '../activities/files/file-activities.js';`;
    expect(await messages('workflows/a.ts', asked)).toEqual([
      expect.stringContaining(
        "workflows may import jobs, temporal/failure, temporal/memo, temporal/progress, temporal/search-attributes and temporal/steering, not activities: a step's types stand in its contract",
      ),
    ]);
  });

  test('no arrow is evaded by a re-export, a dynamic import or the import of a type in place', async () => {
    for (const line of [
      `import './../workers/main.js';`,
      `export * from '../workers/main.js';`,
      `export const later = () => import('../workers/main.js');`,
      `export type Later = import('../workers/main.js').Later;`,
    ]) {
      expect(await messages('api/a.ts', line), line).toEqual([expect.stringContaining('not workers')]);
    }
  });

  test('tests may import anything', async () => {
    expect(await lint('test/a.test.ts', targets.map((target) => `import '../${target}.js';`).join('\n'))).toEqual([]);
  });
});

describe('what the workflow sandbox cannot hold', () => {
  test.each([
    'node:fs',
    'fs',
    'node:crypto',
    '@temporalio/worker',
    '@temporalio/client',
    '@temporalio/activity',
    'zod',
  ])('workflows may not import %s', async (name) => {
    expect(await messages('workflows/a.ts', `import ${JSON.stringify(name)};`)).toEqual([
      expect.stringContaining('workflows may import no package but @temporalio/workflow and @temporalio/common'),
    ]);
  });

  test('workflows may import the SDK for workflows, and not in the middle of a file', async () => {
    expect(await lint('workflows/a.ts', `import '@temporalio/workflow'; import '@temporalio/common';`)).toEqual([]);
    expect(await messages('workflows/a.ts', `export const later = () => import('./b.js');`)).toEqual([
      'workflows may not import in the middle of a file: import at its top.',
    ]);
  });

  test('jobs may import zod and no other package', async () => {
    expect(await lint('jobs/a.ts', `import 'zod';`)).toEqual([]);
    expect(await messages('jobs/a.ts', `import 'node:path'; import '@temporalio/common';`)).toHaveLength(2);
  });

  test('a schema made when a contract loads is refused, one made in a function is not', async () => {
    expect(await messages('jobs/a.ts', `import { z } from 'zod';\nexport const name = z.string().min(1);`)).toEqual([
      expect.stringContaining('jobs makes schemas in functions'),
    ]);
    const lazy = `import { z } from 'zod';\nexport const name = () => z.string().min(1);`;
    expect(await lint('jobs/a.ts', lazy)).toEqual([]);
  });
});

test('a promise that nobody waits for is a fault, as is one given where it would be dropped', async () => {
  const rules = (await new ESLint().calculateConfigForFile('api/a.ts')) as { rules: Record<string, [number]> };
  for (const rule of ['no-floating-promises', 'no-misused-promises']) {
    expect(rules.rules[`@typescript-eslint/${rule}`]?.[0], rule).toBe(2);
  }
});

// The real configuration, without type information: that would cost seconds and no arrow needs it.
const eslint = new ESLint({
  overrideConfig: tseslint.configs.disableTypeChecked as ESLint.Options['overrideConfig'] & {},
});

/** @returns the faults that an arrow is for; the code is too short to please the other rules */
async function lint(file: string, code: string) {
  const [result] = await eslint.lintText(code, { filePath: file });
  return result!.messages.filter(({ ruleId }) => ruleId?.startsWith('no-restricted-'));
}

const messages = async (file: string, code: string) => (await lint(file, code)).map(({ message }) => message);

function pathTo(target: string, file: string): string {
  const up = '../'.repeat(file.split('/').length - 1) || './';
  return `${up}${target}${target === 'config' || target.includes('/') ? '' : '/index'}.js`;
}
