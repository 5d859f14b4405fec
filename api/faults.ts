/** What is wrong where, in words for whoever wrote the request. */
import type { z } from 'zod';

export interface Fault {
  /** `input.recipients[17].email` */
  readonly path: string;
  readonly message: string;
}

/** Zod's own words stay, but for the two that its issues have most. */
export const words: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_type')
    return issue.input === undefined ? 'is required' : `must be ${aOrAn(issue.expected)}`;
  if (issue.code === 'invalid_value')
    return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
  return undefined;
};

export function faultsOf(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[] = []): Fault[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: worded([...path, key]), message: 'is unknown here' }));
    }
    if (issue.code === 'invalid_union') return faultsOfUnion(issue.errors, path);
    return [{ path: worded(path), message: issue.message }];
  });
}

/** Of the branches that the value could have meant, the faults of the one that it fits best. */
function faultsOfUnion(branches: z.core.$ZodIssue[][], path: PropertyKey[]): Fault[] {
  const meant = branches.find(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  if (meant !== undefined) return faultsOf(meant, path);
  const kinds = branches.flatMap((issues) =>
    issues.map((issue) => ('expected' in issue ? String(issue.expected) : '')),
  );
  return [
    {
      path: worded(path),
      message: `must be ${kinds
        .filter((kind) => kind !== '')
        .map(aOrAn)
        .join(' or ')}`,
    },
  ];
}

export function worded(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key).slice(0, 100);
    if (!/^[\w$-]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

const aOrAn = (kind: string) => `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
