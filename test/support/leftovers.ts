/** What is still there: processes that work in a DATA_DIR, and ports that someone listens on. */
import { readdirSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { requireFree } from '../../bin/ports.js';

export interface Found {
  readonly pid: number;
  readonly command: string;
}

/** Those with this DATA_DIR in their environment or on their command line, but for this very process. */
export function processesOf(dataDir: string): Found[] {
  return (process.platform === 'linux' ? fromProc() : fromPs())
    .filter(({ pid, about }) => pid !== process.pid && about.includes(dataDir))
    .map(({ pid, command }) => ({ pid, command }));
}

export async function listening(ports: readonly number[]): Promise<number[]> {
  const taken: number[] = [];
  for (const port of ports) {
    await requireFree([{ setting: 'PORT', port, host: '127.0.0.1' }], 0).catch(() => taken.push(port));
  }
  return taken;
}

type Seen = Found & { readonly about: string };

function fromProc(): Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return [{ pid: Number(pid), command, about: command + readFileSync(`/proc/${pid}/environ`, 'utf8') }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

function fromPs(): Seen[] {
  const rows = execFileSync('ps', ['-Ewwax', '-o', 'pid=,command='], { encoding: 'utf8' }).trim().split('\n');
  return rows.map((row) => {
    const [, pid = '', command = ''] = /^\s*(\d+)\s+(.*)$/.exec(row) ?? [];
    return { pid: Number(pid), command, about: command };
  });
}
