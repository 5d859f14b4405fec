import { expect, test } from 'vitest';
import { canonicalJson, fingerprintOf } from '../../temporal/fingerprint.js';

test('the order of keys does not count, the order of items and every value do', () => {
  const one = fingerprintOf('a', { x: [1, { b: 2, a: null }], y: 'z' });
  expect(fingerprintOf('a', { y: 'z', x: [1, { a: null, b: 2 }] })).toBe(one);
  for (const other of [
    { y: 'z', x: [{ a: null, b: 2 }, 1] },
    { x: [1, { b: 2 }], y: 'z' },
    { x: [1, { b: 2, a: null }], y: 'Z' },
  ]) {
    expect(fingerprintOf('a', other)).not.toBe(one);
  }
  expect(fingerprintOf('b', { x: [1, { b: 2, a: null }], y: 'z' })).not.toBe(one);
});

test('canonical JSON is that of RFC 8785', () => {
  // Its own examples, sections 3.2.2 and 3.2.3.
  expect(canonicalJson({ numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27], literals: [null, true, false] })).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}',
  );
  const sorted = JSON.parse(
    canonicalJson({ '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }),
  ) as object;
  expect(new Set(Object.values(sorted))).toEqual(new Set([4, 2, 6, 7, 1, 5, 3]));
  expect(canonicalJson({ '\ufb33': 1, '\ud83d\ude00': 2, '\u20ac': 3 })).toBe(
    '{"\u20ac":3,"\ud83d\ude00":2,"\ufb33":1}',
  );
});
