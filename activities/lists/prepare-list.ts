/** The first step of a run with an uploaded list: checks each row, and stores them as a list of ours. */
import type { Job } from '../../jobs/define-job.js';
import { PermanentError } from '../../jobs/errors.js';
import { listsOf, type ListRef } from '../../jobs/lists.js';
import { BlobNotFound, type Blobs } from '../../storage/blobs.js';
import { storeList } from '../../storage/lists.js';
import { beating, type StepContext } from '../step-context.js';
import { readUpload } from './read-upload.js';

/**
 * @param field the input's field that holds the list
 * @param rest the other fields of the input, which a row's checks may need
 * @throws PermanentError `bad-row` with the line number; nothing is kept then
 */
export async function prepareList(
  job: Job,
  field: string,
  { fileId }: ListRef,
  rest: Record<string, unknown>,
  { blobs, context }: { blobs: Blobs; context: StepContext },
): Promise<ListRef> {
  const declared = listsOf(job.input())[field];
  if (declared === undefined) throw new PermanentError('invalid-input', `${job.type} has no list "${field}".`);
  const { row, upload, faults = () => [] } = declared;

  // Another tenant's file is none: the API says the same.
  if (!fileId.startsWith(`${context.tenant}.`)) throw new BlobNotFound(fileId);

  using _alive = beating(context);
  const rows = readUpload(await blobs.open(fileId), row, (one) => faults(one, rest), {
    maxRows: upload,
    signal: context.signal,
  });
  return { format: 'list', ...(await storeList(blobs, context.tenant, rows, context.signal)) };
}
