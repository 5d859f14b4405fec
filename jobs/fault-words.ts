/** What is wrong with a value, in our words, for a request and for a row of an upload. They never quote the value. */
import type { z } from 'zod';

/** For `safeParse(value, { error: faultWords })`; a schema's own words come before these. */
export const faultWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${kindOf(issue.expected)}`;
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return `must be ${kindsOf(issue.errors).join(' or ') || 'of another kind'}`;
    case 'too_small':
      if (Number(issue.minimum) === 1 && unitOf(issue.origin) !== '') return 'must not be empty';
      return `must ${issue.inclusive === false ? 'be more than' : atLeast(issue.origin)} ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `must ${issue.inclusive === false ? 'be less than' : atMost(issue.origin)} ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return `must be written as ${issue.format === 'regex' ? String(issue.pattern) : issue.format}`;
    case 'invalid_key':
      return `can't be a key: it ${issue.issues[0]?.message ?? 'is invalid'}`;
    case 'unrecognized_keys':
      return 'is unknown here';
    default:
      return undefined;
  }
};

const units: Record<string, string> = { string: ' characters', array: ' items' };
const unitOf = (origin: string) => units[origin] ?? '';
const atLeast = (origin: string) => `${origin === 'array' ? 'have' : 'be'} at least`;
const atMost = (origin: string) => `${origin === 'array' ? 'have' : 'be'} at most`;

/** As JSON calls them. */
const kinds: Record<string, string> = {
  int: 'a whole number',
  record: 'an object',
};
const kindOf = (expected: string) => kinds[expected] ?? `${/^[aeiou]/.test(expected) ? 'an' : 'a'} ${expected}`;

const kindsOf = (branches: readonly (readonly z.core.$ZodIssue[])[]) => [
  ...new Set(branches.flat().flatMap((issue) => ('expected' in issue ? [kindOf(issue.expected)] : []))),
];
