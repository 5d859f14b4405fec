/**
 * The bench's own processes, the sink and the floor, and how they are asked: one question, one answer, over IPC. They
 * end with us, however we end.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Helper<Questions extends Record<string, (question: never) => unknown>> {
  readonly pid: number;
  ask<Name extends keyof Questions & string>(
    name: Name,
    ...question: Parameters<Questions[Name]>
  ): Promise<Awaited<ReturnType<Questions[Name]>>>;
  stop(): Promise<void>;
}

interface Asked {
  readonly id: number;
  readonly name: string;
  readonly question: unknown;
}

interface Answered {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** @param script beside this file */
export function startHelper<Questions extends Record<string, (question: never) => unknown>>(
  script: string,
): Helper<Questions> {
  // Its own process group: Ctrl-C is for us to handle.
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), { detached: true });
  const waiting = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let lastId = 0;

  child.on('message', (message) => {
    const { id, answer, error } = message as Answered;
    const asker = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asker?.resolve(answer as never);
    else asker?.reject(new Error(`${script}: ${error}`));
  });
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${script} has ended (${signal ?? code})`));
  });
  return {
    pid: child.pid!,
    ask: (name, ...[question]) =>
      new Promise((resolve, reject) => {
        const asked: Asked = { id: ++lastId, name, question };
        waiting.set(asked.id, { resolve, reject });
        child.send(asked);
      }),
    async stop() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** In the helper's process: answers until the one who asks is gone. */
export function answerQuestions<Questions extends Record<string, (question: never) => unknown>>(
  questions: Questions,
): void {
  process.on('message', (message) => {
    const { id, name, question } = message as Asked;
    Promise.resolve(question as never)
      .then((asked) => questions[name]!(asked))
      .then((answer): Answered => ({ id, answer }))
      .catch((error: unknown): Answered => ({ id, error: error instanceof Error ? error.stack! : String(error) }))
      .then((answered) => process.send!(answered))
      .catch(() => process.exit(1)); // nobody is left to hear it
  });
  process.on('disconnect', () => process.exit());
}
