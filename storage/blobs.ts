/**
 * Files and lists, named by their content: `<tenant>.<sha256 hex>`. Written once, never changed.
 */
import type { Readable } from 'node:stream';

export interface Blob {
  readonly fileId: string;
  readonly sha256: string;
  readonly bytes: number;
}

export interface PutOptions {
  /** Bytes at most; more throws BlobTooLarge and keeps nothing. */
  readonly limit?: number;
  /** Aborting keeps nothing. */
  readonly signal?: AbortSignal;
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end?: number;
}

export interface Blobs {
  /**
   * Stores a stream whole or not at all; durable (fsync) once it resolves. The same content again is no error.
   * @throws BlobTooLarge past `limit`; whatever the source throws; the signal's reason
   */
  put(tenant: string, source: AsyncIterable<Uint8Array>, options?: PutOptions): Promise<Blob>;
  /** @throws BlobNotFound, also for what is no fileId */
  open(fileId: string, range?: ByteRange): Promise<Readable>;
  /** @returns undefined if there is none, also for what is no fileId */
  stat(fileId: string): Promise<Blob | undefined>;
  /**
   * Keeps something derived beside a blob, such as the row offsets of a list; goes when the blob goes. Whoever reads it
   * must be able to make it again.
   * @param name lower-case letters
   */
  putBeside(fileId: string, name: string, content: Uint8Array): Promise<void>;
  /** @returns undefined if there is none */
  readBeside(fileId: string, name: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  /** Reaches the store and writes to it. @throws if it can't be used */
  check(): Promise<void>;
}

export class BlobNotFound extends Error {
  constructor(fileId: string) {
    super(`There is no file ${JSON.stringify(fileId)}. Upload it with POST /v1/files.`);
    this.name = 'BlobNotFound';
  }
}

export class BlobTooLarge extends Error {
  readonly limit: number;

  constructor(limit: number) {
    super(`The content is larger than ${limit} bytes.`);
    this.name = 'BlobTooLarge';
    this.limit = limit;
  }
}
