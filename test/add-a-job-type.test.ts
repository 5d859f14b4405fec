/** CONTRIBUTING.md adds a job type: in a copy of this tree, exactly its code blocks are applied, built and run. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from './support/process.js';

const run = promisify(execFile);
const type = 'webhook-ping';
const blocks = blocksOf(readFileSync(join(repository, 'CONTRIBUTING.md'), 'utf8'));
let tree: string;

beforeAll(async () => {
  tree = mkdtempSync(join(tmpdir(), 'longhaul-added-'));
  await copyTree();
  for (const block of blocks) apply(block);
  writeConfig('added', ['test/support/temporal-server.ts', `test/workflows/${type}.test.ts`], ['**/*.ts']);
  await npx('tsc', '-p', 'tsconfig.added.json');
  await run(process.execPath, ['dist/bin/bundle-workflows.js'], { cwd: tree });
});

afterAll(() => rmSync(tree, { recursive: true, force: true }));

test('a job type is four files and a line in each of three indexes', () => {
  const isNew = ({ path }: Block) => !existsSync(join(repository, path));
  expect(blocks.filter(isNew).map(({ path }) => path)).toEqual([
    `jobs/${type}.ts`,
    `workflows/${type}.ts`,
    'activities/webhooks/webhook-activities.ts',
    `test/workflows/${type}.test.ts`,
  ]);
  const indexes = blocks.filter((block) => !isNew(block));
  expect(indexes.map(({ path }) => path)).toEqual(['jobs/index.ts', 'workflows/index.ts', 'activities/index.ts']);
  for (const { lines } of indexes) expect(lines.filter(isOneOfTheIndex)).toHaveLength(1);
});

test('what CONTRIBUTING.md shows passes the check', async () => {
  await npx('prettier', '--check', ...blocks.map(({ path }) => path));
  await npx('eslint', ...blocks.map(({ path }) => path));
});

test('without its index line the compiler names what is missing', async () => {
  const index = join(tree, 'activities/index.ts');
  const whole = readFileSync(index, 'utf8');
  writeFileSync(index, whole.replace('...webhookActivities(tools),', ''));
  try {
    writeConfig('activities', ['activities/index.ts']);
    await expect(npx('tsc', '-p', 'tsconfig.activities.json', '--noEmit')).rejects.toThrow(
      /activities\/index\.ts.*callWebhook/s,
    );
  } finally {
    writeFileSync(index, whole);
  }
});

test('it is started over REST, runs to its result, and is listed, described and checked from its contract alone', async () => {
  const { startStack } = (await import(join(tree, 'test/support/stack.ts'))) as typeof import('./support/stack.js');
  await using hook = await openHook();
  await using stack = await startStack();
  const get = async (path: string) => (await fetch(stack.url + path)).json() as Promise<Record<string, never>>;
  const post = (input: unknown) =>
    fetch(`${stack.url}/v1/jobs/${type}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
    });

  const accepted = await post({ url: hook.url, payload: { event: 'signed-up' } });
  expect(accepted.status).toBe(202);
  const { workflowId } = (await accepted.json()) as { workflowId: string };
  expect(await get(`/v1/runs/${workflowId}/result?wait=60`)).toMatchObject({
    status: 'completed',
    result: { status: 200 },
  });
  expect(hook.bodies).toEqual(['{"event":"signed-up"}']);

  const refused = await post({ url: 'ftp://example.com', payload: {} });
  expect(refused.status).toBe(422);
  expect(await refused.text()).toContain('input.url');

  expect(JSON.stringify(await get('/v1/job-types'))).toContain(`"${type}"`);
  expect((await get('/openapi.json'))['paths']).toHaveProperty([`/v1/jobs/${type}`, 'post']);
});

test("its own test passes, in the new tree's own suite", async () => {
  await npx('vitest', 'run', `test/workflows/${type}.test.ts`);
});

interface Block {
  /** In its first line, as a comment. */
  readonly path: string;
  readonly lines: string[];
}

/** The code blocks that begin with a path. */
function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```ts\n\/\/ (\S+\.ts)\n(.*?)^```$/gms)].map(([, path, code]) => ({
    path: path!,
    lines: code!.trimEnd().split('\n'),
  }));
}

const anchor = '// Yours below: upstream changes nothing here.';
const isOneOfTheIndex = (line: string) => !line.startsWith('import ') && !line.endsWith(anchor);

/** A new file is written as shown; in an index an import goes below the imports, and its line below the anchor. */
function apply({ path, lines }: Block): void {
  const file = join(tree, path);
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    return writeFileSync(file, `${lines.join('\n')}\n`);
  }
  const index = readFileSync(file, 'utf8').split('\n');
  const lastImport = index.findLastIndex((line) => line.startsWith('import '));
  index.splice(lastImport + 1, 0, ...lines.filter((line) => line.startsWith('import ')));
  const shownAnchor = lines.find((line) => line.endsWith(anchor));
  const at = index.findIndex((line) => line === shownAnchor);
  if (at === -1) throw new Error(`${path} has no line ${JSON.stringify(shownAnchor)}, which CONTRIBUTING.md shows.`);
  index.splice(at + 1, 0, ...lines.filter(isOneOfTheIndex));
  writeFileSync(file, index.join('\n'));
}

/** What git would hold, with the changes at hand; the packages are shared. */
async function copyTree(): Promise<void> {
  const listed = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const { stdout } = await run('git', listed, { cwd: repository });
  for (const path of stdout.split('\0')) {
    const from = join(repository, path);
    if (path !== '' && existsSync(from)) cpSync(from, join(tree, path));
  }
  // With the build's notes on what it compiled, only what is added is compiled anew.
  cpSync(join(repository, 'dist'), join(tree, 'dist'), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(repository, 'node_modules'), join(tree, 'node_modules'));
}

const bins = {
  tsc: 'typescript/bin/tsc',
  prettier: 'prettier/bin/prettier.cjs',
  eslint: 'eslint/bin/eslint.js',
  vitest: 'vitest/vitest.mjs',
};

/** @throws with what it printed, if it ends with another code than 0 */
async function npx(tool: keyof typeof bins, ...args: string[]): Promise<void> {
  try {
    await run(process.execPath, [join(tree, 'node_modules', bins[tool]), ...args], { cwd: tree });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${tool} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

/** As the build is compiled, with these files besides. */
function writeConfig(name: string, files: string[], include: string[] = []): void {
  const config = { extends: './tsconfig.build.json', files, include };
  writeFileSync(join(tree, `tsconfig.${name}.json`), JSON.stringify(config));
}

async function openHook() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      bodies.push(body);
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { url, bodies, [Symbol.asyncDispose]: async () => void server.close() };
}
