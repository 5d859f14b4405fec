import { expect, test } from 'vitest';
import { houseJobs, jobs } from '../../jobs/index.js';
import * as workflows from '../../workflows/index.js';

test('each job type has a workflow of its name, and no workflow is without a job type', () => {
  expect(Object.keys(workflows).sort()).toEqual([...jobs, ...houseJobs].map(({ type }) => type as string).sort());
});
