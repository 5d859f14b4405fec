import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const documented = new Set(
  [...readFileSync('docs/errors.md', 'utf8').matchAll(/`([a-z]+(?:-[a-z]+)*)`/g)].map(([, code]) => code),
);

/** Where a code is given: the forms that the code base uses. */
const forms = [
  /new PermanentError\(\s*'([a-z-]+)'/g,
  /new Problem\(\s*\d+,\s*'([a-z-]+)'/g,
  /awayFor\(\s*'([a-z-]+)'/g,
  /ApplicationFailure\.nonRetryable\([^;]*?'([a-z-]+)',?\s*\)/gs,
  /\bcode(?::| =) '([a-z]+-[a-z-]+)'/g,
];

test('every code that something is refused or fails with stands in docs/errors.md', () => {
  const sources = execFileSync('git', ['ls-files', 'api', 'activities', 'workflows', 'workers', 'temporal'], {
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file.endsWith('.ts'));
  const used = sources.flatMap((file) => {
    const code = readFileSync(file, 'utf8');
    return forms.flatMap((form) => [...code.matchAll(form)].map(([, name]) => ({ file, name })));
  });
  expect(used.length).toBeGreaterThan(20);
  expect(used.filter(({ name }) => !documented.has(name))).toEqual([]);
});
