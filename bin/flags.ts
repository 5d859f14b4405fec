/** What stands behind a command's name. */
import { parseArgs } from 'node:util';

/**
 * Ends the process with the usage on stderr for --help (exit 0) and for whatever is not among `known` (exit 2).
 * @returns those that were given
 */
export function flagsOf<Name extends string>(usage: string, known: readonly Name[] = []): Set<Name> {
  const options = Object.fromEntries([...known, 'help'].map((name) => [name, { type: 'boolean' as const }]));
  try {
    const given = Object.keys(parseArgs({ options }).values);
    if (!given.includes('help')) return new Set(given as Name[]);
    process.stderr.write(`${usage}\n`);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split('. ')[0]}\n${usage}\n`);
    process.exit(2);
  }
}
