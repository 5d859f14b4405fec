import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readUpload } from '../../../activities/lists/read-upload.js';
import { emailCampaign, recipient, type Recipient } from '../../../jobs/email-campaign.js';
import { PermanentError } from '../../../jobs/errors.js';
import { listsOf } from '../../../jobs/lists.js';

const maxRows = 10;

/** Reads it in chunks of one byte, of seven and as a whole: what is found must not hang on where a chunk ends. */
async function read(content: string | Buffer): Promise<Recipient[]> {
  const outcomes = await Promise.allSettled([1, 7, Infinity].map((size) => readIn(size, Buffer.from(content))));
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  const first = outcomes[0]!;
  return first.status === 'fulfilled' ? first.value : Promise.reject(first.reason as Error);
}

async function readIn(size: number, content: Buffer): Promise<Recipient[]> {
  const chunks: Buffer[] = [];
  for (let from = 0; from < content.length; from += size) chunks.push(content.subarray(from, from + size));
  const rows: Recipient[] = [];
  for await (const row of readUpload(Readable.from(chunks), recipient(), () => [], { maxRows })) rows.push(row);
  return rows;
}

const ada = { email: 'ada@example.com', name: 'Ada' };
const bob = { email: 'bob@example.com' };

describe('CSV', () => {
  test.each([
    ['commas', 'email,name\nada@example.com,Ada\nbob@example.com,\n'],
    ['semicolons', 'email;name\nada@example.com;Ada\nbob@example.com;\n'],
    ['CRLF, and no line end at the end', 'email,name\r\nada@example.com,Ada\r\nbob@example.com,'],
    ['CR', 'email,name\rada@example.com,Ada\rbob@example.com,\r'],
    ['line ends of both kinds', 'email,name\nada@example.com,"Ada"\r\nbob@example.com,\n'],
    ['a byte order mark', '\ufeffemail,name\nada@example.com,Ada\nbob@example.com,\n'],
    ['quotes, also in the header', '"email","name"\n"ada@example.com","Ada"\n"bob@example.com",""\n'],
    ['blank lines, anywhere', '\n \nemail,name\n\nada@example.com,Ada\n   \nbob@example.com,\n\n\n'],
    ['columns in another order, with blanks around', ' name , email \nAda, ada@example.com \n,bob@example.com\n'],
  ])('is read with %s', async (_, content) => {
    expect(await read(content)).toEqual([ada, bob]);
  });

  test('quotes hold delimiters and quotes, and semicolons within them do not tell the delimiter', async () => {
    const content = 'email,"plan;a;b"\nada@example.com,"a ""b"", c;"\n';
    expect(await read(content)).toEqual([{ email: 'ada@example.com', data: { 'plan;a;b': 'a "b", c;' } }]);
  });

  test('the case of a header tells no fields apart, but that of data is kept', async () => {
    const content = ' Email ,NAME,Plan,Data.endsOn\nada@example.com,Ada,pro,Monday\n';
    expect(await read(content)).toEqual([{ ...ada, data: { Plan: 'pro', endsOn: 'Monday' } }]);
  });

  test('other columns are data, with or without its prefix, as text; empty cells are left out', async () => {
    const content = 'email,plan,data.seats,note\nada@example.com,pro,007,\nbob@example.com,,,\n';
    expect(await read(content)).toEqual([{ email: 'ada@example.com', data: { plan: 'pro', seats: '007' } }, bob]);
  });

  test.each([
    [
      'a header without the column of a field that is needed',
      'name\nAda\n',
      /^Line 1: the header has no column "email"/,
    ],
    ['no header at all', 'ada@example.com,Ada\n', /^Line 1: the header has no column "email"/],
    ['a column twice', 'email,name,Email\n', /^Line 1: columns 1 and 3 of the header have the same name/],
    ['a column twice, once with its prefix', 'email,plan,data.plan\n', /^Line 1: columns 2 and 3 .* the same name/],
    ['a tab as delimiter', 'email\tname\nada@example.com\tAda\n', /^Line 1: .* tabs .* Use a comma or a semicolon/],
    ['a column without a name', 'email,,name\n', /^Line 1: column 2 of the header has no name/],
    [
      'a column that could harm',
      'email,__proto__\nada@example.com,x\n',
      /^Line 1: column 2 .* a name that no column can have/,
    ],
    ['too few cells', 'email,name\nada@example.com\n', /^Line 2: has 1 cell, but the header has 2/],
    ['too many cells', 'email,name\nada@example.com,Ada,x\n', /^Line 2: has 3 cells/],
    ['a missing cell', 'email,name\nada@example.com,Ada\n,Bob\n', /^Line 3: email: is required$/],
    ['a quote that is never closed', 'email\nada@example.com\n"bob\nx\n', /^Line 3: .*never closed/],
    ['text after a quote', 'email\nada@example.com\n"bob"x\n', /^Line 3: has text after a closing quote/],
    ['a quote in a cell', 'email\nada@example.com\nb"b\n', /^Line 3: has a quote in the middle of a cell/],
    ['a wrong address', 'email\nada@example.com\nx\n', /^Line 3: email: must be an e-mail address/],
  ])('%s is a bad row, with its line', async (_, content, words) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'bad-row',
      message: expect.stringMatching(words) as string,
    });
  });

  test.each(['\n', '\r\n', '\r'])(
    'lines are counted as in the file: blank ones, and those within quotes, ended by %j',
    async (end) => {
      const lines = [
        '',
        'email,note',
        'ada@example.com,"one',
        'two',
        '',
        'four"',
        '',
        ' ',
        'bob@example.com,"a',
        'b"',
        'x,',
      ];
      await expect(read(lines.join(end))).rejects.toThrow(/^Line 11: email: must be/);
    },
  );
});

describe('NDJSON', () => {
  test.each([
    ['plainly', '{"email":"ada@example.com","name":"Ada"}\n{"email":"bob@example.com"}\n'],
    [
      'with CRLF, blank lines, a byte order mark and no line end at the end',
      '\ufeff\r\n{"email":"ada@example.com","name":"Ada"}\r\n\r\n{"email":"bob@example.com"}',
    ],
  ])('is read %s', async (_, content) => {
    expect(await read(content)).toEqual([ada, bob]);
  });

  test.each([
    ['no JSON', '{"email":"ada@example.com"}\n\n{"email" 1}\n', /^Line 3: is not valid JSON at character 10/],
    ['no object', '{"email":"ada@example.com"}\n5\n', /^Line 2: must be an object$/],
    ['an unknown field', '{"email":"ada@example.com","e_mail":"x"}\n', /^Line 1: e_mail: is unknown here$/],
    [
      'a wrong value deep inside',
      '{"email":"ada@example.com","data":{"a":[]}}\n',
      /^Line 1: data\.a: must be a string or a number or a boolean$/,
    ],
    [
      'a header injection',
      '{"email":"ada@example.com","name":"A\\r\\nBcc: x"}\n',
      /^Line 1: name: must not hold a line break/,
    ],
    ['an array instead', '[{"email":"ada@example.com"}]\n', /^Line 1: begins a JSON array/],
  ])('%s is a bad row, with its line', async (_, content, words) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'bad-row',
      message: expect.stringMatching(words) as string,
    });
  });
});

describe('whatever the format', () => {
  test.each(['', '\n\n \r\n', '\ufeff', 'email\n', 'email\n\n\n'])('%j is an empty list', async (content) => {
    await expect(read(content)).rejects.toMatchObject({ name: 'PermanentError', code: 'empty-list' });
  });

  test.each([
    ['CSV', `email\n${'ada@example.com\n'.repeat(maxRows)}`, 'bob@example.com'],
    ['NDJSON', '{"email":"ada@example.com"}\n'.repeat(maxRows), '{"email":"bob@example.com"}'],
  ])('%s may have as many rows as are allowed, and not one more', async (_, content, more) => {
    expect(await read(content)).toHaveLength(maxRows);
    await expect(read(content + more)).rejects.toMatchObject({ code: 'list-too-long' });
  });

  test.each([
    ['a letter of Latin-1', Buffer.from('email,name\nada@example.com,Ad\u00e9\n', 'latin1'), 2],
    ['UTF-16', Buffer.from('\ufeffemail\n', 'utf16le'), 1],
    [
      'a character cut off at the end',
      Buffer.from('{"email":"ada@example.com"}\n\n{"email":"\u00e9').subarray(0, -1),
      3,
    ],
  ])('%s is no UTF-8, with its line', async (_, content, line) => {
    await expect(read(content)).rejects.toThrow(`Line ${line}: is not UTF-8`);
  });

  test.each([
    ['CSV', `email,name\nada@example.com,Ada\nbob@example.com,${'x'.repeat(65_536)}\n`, 3],
    ['CSV over several lines', `email,name\nada@example.com,Ada\nbob@example.com,"${'x\n'.repeat(40_000)}"\n`, 3],
    ['NDJSON', `{"email":"ada@example.com"}\n{"name":"${'x'.repeat(65_536)}"}\n`, 2],
    ['one endless line', `email,${'x,'.repeat(100_000)}`, 1],
  ])('a row over 64 KiB is a bad row: %s', async (_, content, line) => {
    const rows = readIn(5_000, Buffer.from(content));
    await expect(rows).rejects.toMatchObject({
      code: 'bad-row',
      message: expect.stringMatching(`^Line ${line}: .*64 KiB`) as string,
    });
  });

  test.each([
    'email\nada@example\n',
    'Ada,ada@example\n',
    'email,ada@example,ada@example\n',
    'email,name\nada@example.com,"ada@example',
    'email,name\nada@example.com,ada@example,ada@example\n',
    `email,name\nada@example.com,${'ada@example'.repeat(30)}\n`,
    '{"email":"ada@example"}\n',
    '{"email":"ada@example.com","ada@example":1}\n',
    '{"email":"ada@example.com","data":{"ada@example":[]}}\n',
    `{"email":"ada@example.com","data":{"${'ada@example'.repeat(9)}":1}}\n`,
    '{"email":"ada@example.com",ada@example\n',
    '"ada@example"\n',
  ])('no address stands in the words about a bad row: %j', async (content) => {
    const error: unknown = await read(content).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'bad-row', message: expect.stringMatching(/^Line \d/) as string });
    expect((error as Error).message).not.toContain('ada@');
  });

  test('the first fault of the file is the one that is told', async () => {
    await expect(read('{"email":"x"}\n{"email" 1}\n')).rejects.toThrow(/^Line 1: email/);
    await expect(read('email\nx\n"\n')).rejects.toThrow(/^Line 2: email/);
    await expect(read(Buffer.from('email\nx\n\u00e9\n', 'latin1'))).rejects.toThrow(/^Line 2: email/);
  });

  test('what the chosen template needs is asked of each row', async () => {
    const { row, faults } = listsOf(emailCampaign.input())['recipients']!;
    const upload = Readable.from([Buffer.from('email,plan,endsOn\na@example.com,pro,Monday\nb@example.com,pro,\n')]);
    const rows = readUpload(upload, row, (one) => faults!(one, { template: 'trial-ending' }), { maxRows });
    await expect(rows.next()).resolves.toMatchObject({ value: { email: 'a@example.com' } });
    await expect(rows.next()).rejects.toThrow('Line 3: data.endsOn: is needed by the template "trial-ending"');
  });

  test('characters of two, three and four bytes pass, wherever a chunk cuts them', async () => {
    expect(await read('email,name\nada@example.com,Zoë 樱 🌸\n')).toEqual([{ email: ada.email, name: 'Zoë 樱 🌸' }]);
    expect(await read('{"email":"ada@example.com","name":"Zoë 樱 🌸"}')).toHaveLength(1);
  });

  test('a fault in the first chunk closes a stream that has more to come', async () => {
    const upload = new Readable({ read: () => undefined });
    upload.push('{"email":"x"}\n');
    const rows = readUpload(upload, recipient(), () => [], { maxRows });
    await expect(rows.next()).rejects.toThrow(/^Line 1/);
    expect(upload.destroyed).toBe(true);
  });

  test('it counts aloud, and stops when it is told to', async () => {
    const abort = new AbortController();
    const endless = Readable.from(
      (function* () {
        yield Buffer.from('email\n');
        for (;;) yield Buffer.from('ada@example.com\n');
      })(),
    );
    let last = 0;
    const onRow = (count: number) => {
      last = count;
      if (count === 500) abort.abort(new Error('cancelled'));
    };
    const rows = readUpload(endless, recipient(), () => [], { maxRows: 1_000_000, signal: abort.signal, onRow });
    const all = async () => {
      for await (const row of rows) expect(row.email).toBe('ada@example.com');
    };
    await expect(all()).rejects.toThrow('cancelled');
    expect(last).toBeGreaterThanOrEqual(500);
    expect(last).toBeLessThan(1_000);
  });

  test('an error of the stream is no fault of the list', async () => {
    const broken = new Readable({ read: () => undefined });
    broken.destroy(new Error('disk gone'));
    const rows = readUpload(broken, recipient(), () => [], { maxRows });
    const error: unknown = await rows.next().catch((caught: unknown) => caught);
    expect(error).not.toBeInstanceOf(PermanentError);
    expect(String(error)).toContain('disk gone');
  });
});
