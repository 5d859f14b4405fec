/** Ports: is it free, which are taken, find a free one. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

export interface WantedPort {
  /** The setting that names it. */
  readonly setting: string;
  readonly port: number;
  readonly host: string;
}

export class PortsTaken extends Error {
  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'PortsTaken';
  }
}

/**
 * @param patienceMs how long a taken port may take to get free
 * @throws PortsTaken that names each port and its setting
 */
export async function requireFree(wanted: readonly WantedPort[], patienceMs: number): Promise<void> {
  const doubles = wanted.filter(({ port }, at) => wanted.findIndex((other) => other.port === port) !== at);
  if (doubles.length > 0) {
    throw new PortsTaken(
      doubles.map(({ setting, port }) => {
        const other = wanted.find((earlier) => earlier.port === port)!;
        return `${other.setting} and ${setting} are both ${port}. Give each its own port.`;
      }),
    );
  }

  const deadline = Date.now() + patienceMs;
  for (;;) {
    const faults = (await Promise.all(wanted.map(faultOf))).filter((fault) => fault !== undefined);
    if (faults.length === 0) return;
    if (Date.now() >= deadline) throw new PortsTaken(faults);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Below the ports that systems give to outgoing connections (from 32768 on Linux, 49152 elsewhere): one of those may be
 * taken again before whoever asked for a free one listens on it.
 */
const candidates = { from: 15_000, to: 32_000 };

/** @returns the port if it is free, else one that is */
export async function freePort(host: string, preferred?: number): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = tries === 0 && preferred !== undefined ? preferred : randomInt(candidates.from, candidates.to);
    if (await isFree(host, port)) return port;
  }
  throw new PortsTaken([`No port from ${candidates.from} to ${candidates.to} is free on ${host}.`]);
}

const isFree = (host: string, port: number) =>
  tryListen(host, port).then(
    () => true,
    () => false,
  );

async function faultOf({ setting, port, host }: WantedPort): Promise<string | undefined> {
  try {
    await tryListen(host, port);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      return `Port ${port} (${setting}) is taken. Stop what listens there, or set ${setting} to a free port.`;
    }
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EADDRNOTAVAIL') {
      return `HOST must be an address of this machine, got "${host}" (${message}).`; // the others are on 127.0.0.1
    }
    return `Port ${port} (${setting}) on ${host} can't be used: ${message}. Set ${setting} to another port.`;
  }
}

function tryListen(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
