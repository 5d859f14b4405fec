import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { BlobNotFound, BlobTooLarge } from '../../storage/blobs.js';
import { exampleFile } from '../examples.js';
import { hasAlready } from '../etag.js';
import { headBytes, mediaTypeOf } from '../media-type.js';
import type { Parts } from '../parts.js';
import { invalid, Problem } from '../problems.js';
import { queryOf, type Route } from '../route.js';
import { ref } from '../schemas.js';

const limitBytes = 5 * 1024 ** 3;

const query = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(255)
    .refine((name) => !/[\p{Cc}/\\]/u.test(name), 'must hold no control character and no slash')
    .meta({ pattern: String.raw`^[^\x00-\x1f\x7f-\x9f/\\]*$` })
    .optional()
    .describe('What the file is called when it is fetched.'),
});

/** POST /v1/files?name=: the body is streamed to the store and hashed on its way, never held. */
export const uploadFile = ({ blobs, ledger, tenant }: Parts): Route => ({
  method: 'post',
  path: '/v1/files',
  query,
  async handle(req, res) {
    const { name = null } = queryOf(query, res);
    refuseUnreadable(req);
    if (req.headers.expect !== undefined) res.writeContinue();

    const head = headOf(req);
    const { fileId, bytes, sha256 } = await blobs.put(tenant, head.stream(), { limit: limitBytes }).catch(worded);
    const mediaType = await mediaTypeOf(head.bytes(), req.get('Content-Type'));
    await ledger.saveFile({ fileId, name, mediaType, bytes });
    res.status(201).location(`/v1/files/${fileId}`).json({ fileId, bytes, mediaType, sha256 });
  },
  docs: {
    operationId: 'upload-file',
    summary: 'Store a file, for a job’s input. The same content gets the same id.',
    description:
      'A file is kept by its content: uploaded again it is the same file, and keeps the name that it got first. No form: the body is the file (curl --data-binary @file).',
    body: {
      required: true,
      content: {
        'application/octet-stream': {
          schema: { type: 'string', format: 'binary', minLength: 1 },
          example: 'email,name\nada@example.com,Ada Lovelace\n',
        },
      },
      description: 'The file itself, of any media type, up to 5 GiB.',
    },
    answers: {
      201: { description: 'Stored.', schema: ref('File'), example: exampleFile, headers: { Location: 'The file.' } },
    },
    problems: [413, 415, 503],
  },
});

/** GET /v1/files/{fileId}: as an attachment, in a sandbox: an uploaded page must never run as ours. */
export const getFile = ({ blobs, ledger, tenant }: Parts): Route => ({
  method: 'get',
  path: '/v1/files/{fileId}',
  async handle(req, res) {
    const fileId = String(req.params['fileId']);
    const file = fileId.startsWith(`${tenant}.`) ? await ledger.file(fileId) : undefined;
    const blob = file && (await blobs.stat(fileId));
    if (file === undefined || blob === undefined) throw new BlobNotFound(fileId.slice(0, 200));

    res.attachment(file.name ?? fileId); // RFC 6266, also for names beyond ASCII
    res.set({
      'Content-Type': file.mediaType,
      'Content-Security-Policy': "sandbox; default-src 'none'",
      'Cache-Control': 'private, max-age=31536000, immutable', // the name is the content's hash
      'Accept-Ranges': 'bytes',
      ETag: `"${blob.sha256}"`,
    });
    if (hasAlready(req, `"${blob.sha256}"`)) {
      res.removeHeader('Content-Type');
      return void res.status(304).end();
    }

    const part = partOf(req, res, blob.bytes);
    const { start, end } = part ?? { start: 0, end: blob.bytes };
    if (part) res.status(206).set('Content-Range', `bytes ${start}-${end - 1}/${blob.bytes}`);
    res.set('Content-Length', String(end - start));
    if (req.method === 'HEAD' || end === start) return void res.end();
    await pipeline(await blobs.open(fileId, { start, end }), res).catch((error: unknown) => {
      if (!res.destroyed || (error as { code?: string }).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error; // else the client left
    });
  },
  docs: {
    operationId: 'get-file',
    summary: 'Fetch a file.',
    headers: { Range: { description: 'One range of bytes.', schema: { type: 'string' } } },
    answers: {
      200: {
        description: 'The file, as an attachment.',
        content: { '*/*': { schema: { type: 'string', format: 'binary' } } },
        headers: { ETag: 'Of its content.' },
      },
      206: {
        description: 'The range that was asked for.',
        content: { '*/*': { schema: { type: 'string', format: 'binary' } } },
      },
      304: { description: 'You have it already.' },
    },
    problems: [404, 416, 503],
  },
});

function refuseUnreadable(req: Request): void {
  if (/^\s*multipart\/form-data\b/i.test(req.get('Content-Type') ?? '')) {
    throw new Problem(
      415,
      'unsupported-media-type',
      'A file is kept as it is: send the bytes themselves as the body (curl --data-binary @file), not a form.',
    );
  }
  const encoding = req.get('Content-Encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new Problem(
      415,
      'unsupported-content-encoding',
      `A file is kept as it is: send it without Content-Encoding, got ${JSON.stringify(encoding.slice(0, 100))}.`,
    );
  }
  if (Number(req.headers['content-length'] ?? 0) > limitBytes) throw tooLarge();
}

const tooLarge = () => new Problem(413, 'too-large', `A file may have 5 GiB (${limitBytes} bytes).`);

function worded(error: unknown): never {
  throw error instanceof BlobTooLarge ? tooLarge() : error;
}

/** Passes the body on and keeps its beginning. */
function headOf(req: Request) {
  const chunks: Buffer[] = [];
  let kept = 0;
  async function* stream(): AsyncGenerator<Uint8Array> {
    // Destroyed with the iterator, the request would take its connection along, and the answer with it.
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (kept < headBytes) kept += chunks[chunks.push(Buffer.from(chunk.subarray(0, headBytes - kept))) - 1]!.length;
      yield chunk;
    }
    if (kept === 0) throw invalid([{ path: '', message: 'the body is empty: send the bytes of the file' }]);
  }
  return { stream, bytes: () => Buffer.concat(chunks) };
}

/** One range is served; several, or one for another version, get the whole file, as RFC 9110 allows. */
function partOf(req: Request, res: Response, bytes: number): { start: number; end: number } | undefined {
  const onlyIf = req.get('If-Range');
  if (onlyIf !== undefined && onlyIf !== res.get('ETag')) return undefined;
  const ranges = req.range(bytes);
  if (ranges === -1) {
    throw new Problem(416, 'range-not-satisfiable', `The file has ${bytes} bytes.`, {
      headers: { 'Content-Range': `bytes */${bytes}` },
    });
  }
  const [range] = Array.isArray(ranges) && ranges.type === 'bytes' && ranges.length === 1 ? ranges : [];
  return range && { start: range.start, end: range.end + 1 };
}
