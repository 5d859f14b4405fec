/** An upload's bytes as text that can be parsed without fear: UTF-8, and no line so long that it would fill the memory. */
import { isUtf8 } from 'node:buffer';
import { badRow, maxRowBytes } from './bad-row.js';

const newline = 10;

/**
 * Passes a stream on in chunks that end with a whole character.
 * @throws PermanentError `bad-row`, after what comes before the faulty line
 */
export async function* uploadText(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let line = 1;
  let lineBytes = 0; // of the current line, in earlier chunks
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const whole = bytes.subarray(0, endOfCharacters(bytes));
    rest = bytes.subarray(whole.length);

    const isSound = isUtf8(whole);
    let from = 0;
    for (let at = whole.indexOf(newline); from < whole.length; at = whole.indexOf(newline, from)) {
      const end = at === -1 ? whole.length : at;
      const fault =
        lineBytes + end - from > maxRowBytes
          ? tooLong
          : isSound || isUtf8(whole.subarray(from, end))
            ? undefined
            : notUtf8;
      if (fault !== undefined) {
        yield whole.subarray(0, from);
        throw badRow(line, fault);
      }
      if (at === -1) {
        lineBytes += end - from;
        break;
      }
      line += 1;
      lineBytes = 0;
      from = at + 1;
    }
    yield whole;
  }
  if (rest.length > 0) throw badRow(line, notUtf8);
}

const tooLong = `is longer than ${maxRowBytes / 1024} KiB.`;
const notUtf8 = 'is not UTF-8. Save the file as UTF-8 and upload it again.';

/** Where a character begins that the next chunk goes on with; the length if there is none. */
function endOfCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue; // within a character: its first byte lies further back
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return back < size ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
