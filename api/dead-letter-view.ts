/** Dead letters as the API shows them, and the cursors of their pages. */
import type { DeadLetter, DeadLetterGroup, DeadLetterPlace } from '../storage/dead-letters.js';
import { invalid } from './problems.js';

export const shownLetter = ({
  workflowId,
  type,
  item,
  about,
  status,
  step,
  code,
  message,
  attempts,
  tags,
  failedAt,
}: DeadLetter) => {
  const run = `/v1/runs/${encodeURIComponent(workflowId).replaceAll('%3A', ':')}`;
  return {
    ...{ workflowId, type, runStatus: status, code, message, tags },
    ...(item !== null && { item: { index: item, about: about ?? '' } }),
    ...(step !== null && { step }),
    ...(attempts !== null && { attempts }),
    failedAt: new Date(failedAt).toISOString(),
    links: { run, input: `${run}/input`, redrive: `${run}/redrive` },
  };
};

export const shownGroup = ({ type, step, code, count, runs, firstAt, lastAt, message }: DeadLetterGroup) => ({
  ...{ type, ...(step !== null && { step }), code, count, runs, message },
  firstAt: new Date(firstAt).toISOString(),
  lastAt: new Date(lastAt).toISOString(),
});

export const cursorAfter = ({ failedAt, workflowId, item }: DeadLetter) =>
  Buffer.from(JSON.stringify([failedAt, workflowId, item ?? -1])).toString('base64url');

/** @throws Problem 422 */
export function placeIn(cursor: string): DeadLetterPlace {
  try {
    const [failedAt, workflowId, item] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof failedAt === 'number' && typeof workflowId === 'string' && typeof item === 'number') {
      return { failedAt, workflowId, item };
    }
  } catch {
    // worded below
  }
  throw invalid([{ path: 'query.cursor', message: 'must be the nextCursor of an earlier answer' }]);
}
