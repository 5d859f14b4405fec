/** One message to those who watch a run: the run as GET shows it. Written once, however many watch. */
import { isClosed } from '../../temporal/run.js';
import type { Run } from '../run.js';
import { idOf, type Moment } from './moment.js';

export interface LiveEvent {
  readonly moment: Moment;
  readonly run: Run;
  /** As server-sent events have it. */
  readonly block: string;
  /** As a WebSocket message. */
  readonly message: string;
}

export function liveEvent(moment: Moment, run: Run): LiveEvent {
  const id = idOf(moment);
  const event = isClosed(moment.status) ? 'end' : 'run';
  const data = JSON.stringify(run); // one line
  return {
    moment,
    run,
    block: `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`,
    message: `{"id":"${id}","event":"${event}","data":${data}}`,
  };
}

/** With the progress that a viewer was told before by another process: this one knows less, and progress never goes back. */
export function withProgressOf(moment: Moment, run: Run): LiveEvent {
  const progress = moment.progress && { ...moment.progress, message: '' };
  return liveEvent(moment, { ...run, progress, stale: true });
}
