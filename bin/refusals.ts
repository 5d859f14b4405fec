/** What ends a command with a clear word and exit 1 instead of a stack trace. */
import { Problem } from '../client/index.js';
import { ConfigError } from '../config.js';
import { StackRunning } from './data-dir-lock.js';
import { PortsTaken } from './ports.js';
import { NotReady } from './stack.js';
import { NoTemporalCli } from './temporal-cli.js';

const refusals = [ConfigError, StackRunning, PortsTaken, NoTemporalCli, NotReady, Problem];

/** Says it on stderr and sets exit code 1. @throws whatever is no refusal, but a fault of ours */
export function refuse(error: unknown): void {
  if (!(error instanceof Error) || !refusals.some((kind) => error instanceof kind)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
