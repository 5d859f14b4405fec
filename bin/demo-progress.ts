/** The demo's live progress, on stderr: bars where someone watches, else a line per tenth. */
import { MultiBar, type SingleBar } from 'cli-progress';

export interface DemoProgress {
  say(line: string): void;
  show(what: string, done: number, total: number): void;
  end(): void;
}

export const demoProgress = (): DemoProgress => (process.stderr.isTTY ? bars() : lines());

function bars(): DemoProgress {
  let multi: MultiBar | undefined;
  const shown = new Map<string, SingleBar>();
  return {
    say: (line) => void process.stderr.write(`${line}\n`),
    show(what, done, total) {
      multi ??= new MultiBar({
        stream: process.stderr,
        format: '  {what} {bar} {value} of {total}',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        hideCursor: true,
      });
      const bar = shown.get(what) ?? multi.create(total, 0, { what: what.padEnd(18) });
      shown.set(what, bar);
      bar.update(done);
    },
    end() {
      multi?.stop();
      multi = undefined;
    },
  };
}

function lines(): DemoProgress {
  const tenths = new Map<string, number>();
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  return {
    say,
    show(what, done, total) {
      const tenth = Math.floor((done / total) * 10);
      if (tenth === tenths.get(what)) return;
      tenths.set(what, tenth);
      say(`${what}: ${done} of ${total}`);
    },
    end: () => undefined,
  };
}
