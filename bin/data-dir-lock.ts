/**
 * One stack per DATA_DIR. The lock is SQLite's on a file of its own: the operating system lets go of it when the
 * process ends, however it ends, and no process id can be mistaken for another's.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { makeDataDir } from '../config.js';

export interface StackNote {
  readonly pid: number;
  readonly api: string;
}

export class StackRunning extends Error {
  constructor(dataDir: string, note: StackNote | undefined) {
    const which = note === undefined ? '' : ` (process ${note.pid}, ${note.api})`;
    super(
      `A stack is already running on ${dataDir}${which}. Stop it with Ctrl-C first, or give this one a DATA_DIR, PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT and MAIL_UI_PORT of its own.`,
    );
    this.name = 'StackRunning';
  }
}

export interface DataDirLock {
  /** The last stack here did not end by itself: its processes may still be ending. */
  readonly lastOneDied: boolean;
  release(): void;
}

/** @throws StackRunning, ConfigError if there can be no such DATA_DIR */
export function lockDataDir(dataDir: string, note: StackNote): DataDirLock {
  makeDataDir(dataDir);
  const noteFile = join(dataDir, 'stack.json');
  const lastNote = readNote(noteFile);
  const lock = new Database(join(dataDir, 'stack.lock'));
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) throw new StackRunning(dataDir, lastNote);
    throw error;
  }
  writeFileSync(noteFile, JSON.stringify(note));
  return {
    lastOneDied: lastNote !== undefined,
    release() {
      rmSync(noteFile, { force: true });
      lock.close();
    },
  };
}

function readNote(file: string): StackNote | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as StackNote;
  } catch {
    return undefined; // none, or one cut off by a crash: it only makes a message clearer
  }
}
