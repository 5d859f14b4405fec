import { expect, test } from 'vitest';
import { newWorkflowId, workflowIdFor } from '../../temporal/ids.js';

const shape = /^email-campaign:[0-9a-hjkmnp-tv-z]{26}$/;

test('the same tenant, type and key always give the same workflow ID, anything else another', () => {
  const id = workflowIdFor('default', 'email-campaign', 'signup-42');
  expect(id).toMatch(shape);
  // Written down: with another one, a key sent before a deploy would start a second run after it.
  expect(id).toBe('email-campaign:sbdterqbvv75egk1ekpa0hp6jp');
  expect(workflowIdFor('default', 'email-campaign', 'signup-42')).toBe(id);
  const others = [
    workflowIdFor('other', 'email-campaign', 'signup-42'),
    workflowIdFor('default', 'email-campaign', 'signup-43'),
    workflowIdFor('default', 'file-pipeline', 'signup-42'),
  ];
  expect(new Set([id, ...others].map((each) => each.split(':')[1])).size).toBe(4);
});

test('new workflow IDs sort by time and never repeat', () => {
  const ids = [1_000, 2_000, 1_700_000_000_000, 1_700_000_000_001].map((ms) => newWorkflowId('email-campaign', ms));
  expect(ids.every((id) => shape.test(id))).toBe(true);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(Array.from({ length: 1_000 }, () => newWorkflowId('email-campaign', 5))).size).toBe(1_000);
});

test('a workflow ID fits a URL path as it is', () => {
  const id = newWorkflowId('email-campaign');
  expect(new URL(`http://localhost/v1/runs/${id}`).pathname).toBe(`/v1/runs/${id}`);
});
