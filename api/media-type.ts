/** What kind of file was uploaded: told from its content, and only where that tells nothing as its sender says. */
import { fileTypeFromBuffer } from 'file-type';

/** How much of a file's beginning is enough to tell its kind. */
export const headBytes = 4_100;

const unknown = 'application/octet-stream';

/** What curl --data-binary says of whatever it sends, unless told. */
const curlsOwn = 'application/x-www-form-urlencoded';

/**
 * @param head the first `headBytes` of the content, or all of it
 * @param declared the request's Content-Type
 */
export async function mediaTypeOf(head: Uint8Array, declared: string | undefined): Promise<string> {
  const found = await fileTypeFromBuffer(head);
  return found?.mime ?? (declared === undefined ? undefined : normalised(declared)) ?? unknown;
}

// RFC 9110, 8.3.1: type "/" subtype, each a token, then parameters. Of these only the charset says what the bytes mean.
const pattern = /^([\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)[ \t]*(?:;(.*))?$/;
const charsetPattern = /(?:^|;)[ \t]*charset=(?:"([\w.:+-]+)"|([\w.:+-]+))[ \t]*(?=;|$)/i;

/** @returns undefined for what is no media type, or tells nothing */
function normalised(declared: string): string | undefined {
  const [, type, parameters = ''] = pattern.exec(declared.trim()) ?? [];
  if (type === undefined || type.length > 127 || type.toLowerCase() === curlsOwn) return undefined;
  const [, quoted, plain] = charsetPattern.exec(parameters) ?? [];
  const charset = quoted ?? plain;
  return type.toLowerCase() + (charset === undefined ? '' : `; charset=${charset.toLowerCase()}`);
}
