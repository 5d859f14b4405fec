/** What processes cost: CPU seconds and resident memory, as the operating system counts them. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

const isLinux = process.platform === 'linux';
const ticksPerSecond = isLinux ? Number(execFileSync('getconf', ['CLK_TCK'])) : 0;

/** Children, their children and so on. */
export async function descendantsOf(pid: number): Promise<ProcessRow[]> {
  const all = (await ps('-A', '-o', 'pid=,ppid=,command=')).map((line): ProcessRow => {
    const [, own, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)!;
    return { pid: Number(own), parent: Number(parent), command: command! };
  });
  const found: ProcessRow[] = [];
  for (let parents = [pid]; parents.length > 0;) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** User and system time since its start; on Linux with the children that have ended, in steps of 10 ms. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  if (!isLinux) return secondsOf((await ps('-o', 'time=', '-p', String(pid)))[0]!.trim());
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third on: proc_pid_stat(5)
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond;
}

export interface Memory {
  readonly nowMb: number;
  /** Since the process began. Linux only; elsewhere what it is now. */
  readonly peakMb: number;
}

export async function memoryOf(pid: number): Promise<Memory> {
  if (!isLinux) {
    const nowMb = Number((await ps('-o', 'rss=', '-p', String(pid)))[0]) / 1024;
    return { nowMb, peakMb: nowMb };
  }
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return { nowMb: mb('VmRSS'), peakMb: mb('VmHWM') };
}

async function ps(...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', args, { maxBuffer: 1 << 26 });
  return stdout.split('\n').filter((line) => line !== '');
}

/** `[[days-]hours:]minutes:seconds[.hundredths]` */
function secondsOf(time: string): number {
  const [rest, days] = time.split('-').reverse() as [string, string | undefined];
  return rest.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days ?? 0) * 86_400;
}
