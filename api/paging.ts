import { wholeNumber } from './whole-number.js';

/** `limit` of a page. */
export const limitOf = (fallback: number) =>
  wholeNumber(1, 200, fallback).describe(`1 to 200; ${fallback} unless given.`);
