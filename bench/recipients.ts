/** Made-up recipients, the same for what is measured and for its floor. */
export interface BenchRecipient {
  readonly email: string;
  readonly name: string;
}

export const recipientsOf = (count: number): BenchRecipient[] =>
  Array.from({ length: count }, (_, at) => recipient(at));

/** As a CSV file, in pieces of a thousand rows. */
export function* csvOf(count: number): Generator<Uint8Array> {
  let rows = 'email,name\n';
  for (let at = 0; at < count; at++) {
    const { email, name } = recipient(at);
    rows += `${email},${name}\n`;
    if (at % 1_000 !== 999) continue;
    yield Buffer.from(rows);
    rows = '';
  }
  yield Buffer.from(rows);
}

const recipient = (at: number): BenchRecipient => ({ email: `someone.${at}@example.com`, name: `Someone ${at}` });
