/**
 * Long lists as NDJSON blobs: one row a line. Beside a larger one lies an index, the byte offset of every hundredth row,
 * so that a slice is read without what comes before it. The index can always be made again from the list.
 */
import type { Blobs } from './blobs.js';

const indexEvery = 100;
const offsetBytes = 8;
const indexName = 'offsets';
/** Up to here a scan from the start costs less than an index would (two more fsyncs). */
const smallListBytes = 256 * 1024;
const chunkChars = 64 * 1024;
const newline = 10;

export interface ListRow<T> {
  readonly index: number;
  readonly row: T;
}

/** Stores rows as they come; memory does not grow with them, but for 80 KB of offsets per million. */
export async function storeList(
  blobs: Blobs,
  tenant: string,
  rows: Iterable<unknown> | AsyncIterable<unknown>,
  signal?: AbortSignal,
): Promise<{ fileId: string; count: number }> {
  const offsets = new Offsets();
  let count = 0;

  async function* lines(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    let ready: Buffer[] = [];
    let readyBytes = 0;
    let hundred = '';
    const keep = () => {
      const encoded = Buffer.from(hundred);
      offsets.add(bytes);
      bytes += encoded.length;
      readyBytes += encoded.length;
      ready.push(encoded);
      hundred = '';
    };
    for await (const row of rows) {
      hundred += `${JSON.stringify(row)}\n`;
      count += 1;
      if (count % indexEvery !== 0) continue;
      keep();
      if (readyBytes < chunkChars) continue;
      yield Buffer.concat(ready);
      ready = [];
      readyBytes = 0;
    }
    if (hundred !== '') keep();
    if (ready.length > 0) yield Buffer.concat(ready);
  }

  const { fileId, bytes } = await blobs.put(tenant, lines(), { ...(signal && { signal }) });
  if (bytes > smallListBytes) await blobs.putBeside(fileId, indexName, offsets.bytes());
  return { fileId, count };
}

/** An input whose lists came inline or as an upload, with a reference in place of each: what a workflow gets. */
export async function withListsStored(
  blobs: Blobs,
  tenant: string,
  input: Record<string, unknown>,
  fields: readonly string[],
): Promise<Record<string, unknown>> {
  const byReference = { ...input };
  for (const field of fields) {
    const sent = input[field] as unknown[] | { fileId: string } | undefined;
    if (Array.isArray(sent)) byReference[field] = { ...(await storeList(blobs, tenant, sent)), format: 'list' };
    else if (sent !== undefined) byReference[field] = { fileId: sent.fileId, format: 'upload' };
  }
  return byReference;
}

/**
 * Rows `from` to `to` (exclusive), in order; fewer if the list is shorter.
 * @throws BlobNotFound
 */
export async function* readList<T>(blobs: Blobs, fileId: string, from: number, to: number): AsyncGenerator<ListRow<T>> {
  if (to <= from) return;
  const { start, end, index: first } = await placeOf(blobs, fileId, from, to);
  let index = first;
  for await (const line of linesOf(await blobs.open(fileId, { start, ...(end !== undefined && { end }) }))) {
    if (index >= to) return;
    if (index >= from) yield { index, row: JSON.parse(line.toString()) as T };
    index += 1;
  }
}

/** The rows of these numbers, which must ascend. Rows that lie near each other are read in one go. */
export async function* readItems<T>(
  blobs: Blobs,
  fileId: string,
  items: readonly number[],
): AsyncGenerator<ListRow<T>> {
  for (const group of neighbours(items)) {
    const wanted = new Set(group);
    for await (const found of readList<T>(blobs, fileId, group[0]!, group.at(-1)! + 1)) {
      if (wanted.has(found.index)) yield found;
    }
  }
}

/** Numbers no more than an index step apart. */
function neighbours(items: readonly number[]): number[][] {
  const groups: number[][] = [];
  for (const item of items) {
    const group = groups.at(-1);
    if (group !== undefined && item - group.at(-1)! <= indexEvery) group.push(item);
    else groups.push([item]);
  }
  return groups;
}

/** The byte range that holds rows `from` to `to`, and the number of the row it begins with. */
async function placeOf(
  blobs: Blobs,
  fileId: string,
  from: number,
  to: number,
): Promise<{ start: number; end?: number; index: number }> {
  const blob = await blobs.stat(fileId);
  if (blob === undefined || blob.bytes <= smallListBytes) return { start: 0, index: 0 }; // open() words what is missing
  const first = Math.floor(from / indexEvery);
  const last = Math.ceil(to / indexEvery);
  const range = { start: first * offsetBytes, end: (last + 1) * offsetBytes };
  let offsets = await blobs.readBeside(fileId, indexName, range);
  if (offsets === undefined) {
    const all = await indexOf(blobs, fileId);
    await blobs.putBeside(fileId, indexName, all);
    offsets = all.subarray(range.start, range.end);
  }
  const at = (n: number) =>
    Number(Buffer.from(offsets.buffer, offsets.byteOffset, offsets.length).readBigUInt64LE(n * offsetBytes));
  const known = offsets.length / offsetBytes;
  if (known === 0) return { start: blob.bytes, index: from }; // past the end
  return { start: at(0), index: first * indexEvery, ...(known > last - first && { end: at(last - first) }) };
}

/** Makes a lost index again, by one look at every byte. */
async function indexOf(blobs: Blobs, fileId: string): Promise<Uint8Array> {
  const offsets = new Offsets();
  let rows = 0;
  let passed = 0;
  offsets.add(0);
  for await (const chunk of (await blobs.open(fileId)) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, at + 1)) {
      rows += 1;
      if (rows % indexEvery === 0) offsets.add(passed + at + 1);
    }
    passed += chunk.length;
  }
  return offsets.bytes(passed);
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer | undefined;
  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      const line = chunk.subarray(from, at);
      yield rest === undefined ? line : Buffer.concat([rest, line]);
      rest = undefined;
      from = at + 1;
    }
    if (from < chunk.length)
      rest = rest === undefined ? chunk.subarray(from) : Buffer.concat([rest, chunk.subarray(from)]);
  }
  if (rest !== undefined && rest.length > 0) yield rest;
}

/** Offsets of eight bytes each, little-endian. */
class Offsets {
  #content = Buffer.alloc(64 * offsetBytes);
  #length = 0;

  add(offset: number): void {
    if (this.#length === this.#content.length) this.#content = Buffer.concat([this.#content], 2 * this.#content.length);
    this.#length = this.#content.writeBigUInt64LE(BigInt(offset), this.#length);
  }

  /** @param end an offset that no row begins at is left out */
  bytes(end?: number): Uint8Array {
    const last = this.#length - offsetBytes;
    const isPastEnd = end !== undefined && this.#length > 0 && this.#content.readBigUInt64LE(last) === BigInt(end);
    return this.#content.subarray(0, isPastEnd ? last : this.#length);
  }
}
