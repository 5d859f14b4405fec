import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** The decoders that a process has started; by default this one. */
export async function decodersRunning(parent: number | undefined = process.pid): Promise<number[]> {
  const found = await processes();
  return found.filter(({ ppid, args }) => ppid === parent && args.endsWith('files/decoder.js')).map(({ pid }) => pid);
}

export const isRunning = async (wanted: number) => (await processes()).some(({ pid }) => pid === wanted);

/** Without zombies, which only wait to be buried. */
async function processes() {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,stat=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, stat, args] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*?)\s*$/.exec(line) ?? [];
    return stat === undefined || stat.startsWith('Z') ? [] : [{ pid: Number(pid), ppid: Number(ppid), args: args! }];
  });
}
