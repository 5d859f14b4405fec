/** What is wrong where, in words for whoever wrote the request. */
import type { z } from 'zod';

export interface Fault {
  /** `input.recipients[17].email` */
  readonly path: string;
  readonly message: string;
}

export function faultsOf(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[] = []): Fault[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: worded([...path, key]), message: 'is unknown here' }));
    }
    if (issue.code === 'invalid_union') return faultsOfUnion(issue, path);
    return [{ path: worded(path), message: issue.message }];
  });
}

/** Of the branches that the value could have meant, the faults of the one that it fits best. */
function faultsOfUnion({ errors, message }: z.core.$ZodIssueInvalidUnion, path: PropertyKey[]): Fault[] {
  const meant = errors.find((issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0));
  return meant === undefined ? [{ path: worded(path), message }] : faultsOf(meant, path);
}

export function worded(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key).slice(0, 100);
    if (!/^[\w$-]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, '');
}
