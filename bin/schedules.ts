/** `npm run schedules -- --check | --apply`: the schedules of schedules.ts, and those on the server. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Longhaul, Problem, type ScheduleDeclaration } from '../client/index.js';
import { ConfigError, readConfig } from '../config.js';
import { schedules } from '../schedules.js';
import { DeclarationsRefused, editsFor } from './schedule-changes.js';
import { apiHere } from './stack.js';

const usage = `Usage: npm run schedules -- --check | --apply [--url <url>] [--file <module>]
  --check  shows what differs from the server, one line each; exit code 1 if anything does
  --apply  makes the server's schedules those of schedules.ts; touches no others
  --url    of the API; by default from HOST and PORT
  --file   a built module that exports schedules; by default that of schedules.ts
The key is the first of API_KEYS. Settings come from the environment: README.md, "Settings".`;

const { check, apply, url, file } = given();
try {
  const config = readConfig(process.env);
  const api = url ?? apiHere(config);
  const client = new Longhaul({ url: api, apiKey: config.apiKeys[0] });
  const declared = file === undefined ? schedules : await declaredIn(file);
  const edits = await editsFor(client, declared).catch((error: unknown) => {
    throw isUnreachable(error) ? new ConfigError([`No API answers at ${api}. Start it, or give --url.`]) : error;
  });

  for (const { edit, id, about, make } of edits) {
    if (apply) await make();
    process.stdout.write(`${edit} ${id}: ${about}\n`);
  }
  if (edits.length === 0) process.stdout.write(`nothing differs: ${declared.length} declared\n`);
  if (check && edits.length > 0) process.exitCode = 1;
} catch (error) {
  const isRefusal = [ConfigError, DeclarationsRefused, Problem].some((kind) => error instanceof kind);
  if (!isRefusal) throw error;
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

function given() {
  try {
    const { values } = parseArgs({
      options: {
        ...{ check: { type: 'boolean' }, apply: { type: 'boolean' }, help: { type: 'boolean' } },
        ...{ url: { type: 'string' }, file: { type: 'string' } },
      },
    });
    if (values.help === true) {
      process.stderr.write(`${usage}\n`);
      process.exit(0);
    }
    if ((values.check === true) === (values.apply === true)) throw new Error('Give one of --check and --apply');
    return values;
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split('. ')[0]}\n${usage}\n`);
    process.exit(2);
  }
}

async function declaredIn(path: string): Promise<readonly ScheduleDeclaration[]> {
  const module = (await import(pathToFileURL(resolve(path)).href).catch((error: Error) => {
    throw new ConfigError([`--file must be a module that can be loaded, got "${path}": ${error.message}`]);
  })) as { schedules?: unknown };
  if (Array.isArray(module.schedules)) return module.schedules as ScheduleDeclaration[];
  throw new ConfigError([`--file must export an array named schedules; "${path}" does not.`]);
}

/** fetch() says so with a TypeError whose cause is the network's. */
function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined;
}
