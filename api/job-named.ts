import type { Job } from '../jobs/define-job.js';
import { Problem } from './problems.js';

/** @throws Problem 404 with the nearest name */
export function jobNamed(jobs: readonly Job[], type: unknown): Job {
  const name = String(type);
  const job = jobs.find((job) => job.type === name);
  if (job !== undefined) return job;
  const [nearest] = jobs
    .map((job) => ({ type: job.type, distance: distanceBetween(name.slice(0, 100), job.type) }))
    .sort((a, b) => a.distance - b.distance);
  const hint = nearest && nearest.distance <= nearest.type.length / 2 ? ` Did you mean "${nearest.type}"?` : '';
  throw new Problem(
    404,
    'job-type-not-found',
    `No job type ${JSON.stringify(name.slice(0, 100))}.${hint} GET /v1/job-types lists all.`,
  );
}

/** Levenshtein's: how many letters to add, drop or change. */
function distanceBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
