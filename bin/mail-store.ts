/** The caught mails, in a SQLite file. Kept as they came: nothing but a few header lines is read when one arrives. */
import Database from 'libsql';

export interface CaughtMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: Buffer;
}

export interface MailSummary {
  readonly id: number;
  readonly from: string;
  readonly to: readonly string[];
  /** As sent: encoded words are decoded by whoever shows it. */
  readonly subject: string;
  readonly messageId: string;
  readonly receivedAt: string;
}

export interface MailPage {
  /** Part of a recipient's address. */
  readonly to?: string | undefined;
  /** Only ids above this, oldest first. */
  readonly after?: number | undefined;
  /** Only ids below this, newest first. */
  readonly before?: number | undefined;
  readonly limit: number;
}

export interface MailStore {
  /** Resolves once it is committed: a kill of this process does not lose it. Mails that come together share a commit. */
  add(mail: CaughtMail): Promise<void>;
  count(to?: string): number;
  list(page: MailPage): MailSummary[];
  find(id: number): (MailSummary & { raw: Buffer }) | undefined;
  close(): void;
}

interface Row {
  id: number;
  sender: string;
  recipients: string;
  subject: string;
  message_id: string;
  received_at: number;
}

export function openMailStore(file: string): MailStore {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL'); // a catcher need not survive a power failure
  db.pragma('busy_timeout = 5000');
  // The bodies lie apart, so that a search reads a few bytes per mail.
  db.exec(`
    CREATE TABLE IF NOT EXISTS mails (
      id INTEGER PRIMARY KEY, received_at INTEGER NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
      subject TEXT NOT NULL, message_id TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, raw BLOB NOT NULL)`);

  const insertMail = db.prepare(
    'INSERT INTO mails (received_at, sender, recipients, subject, message_id) VALUES (?, ?, ?, ?, ?)',
  );
  const insertBody = db.prepare('INSERT INTO bodies (id, raw) VALUES (?, ?)');
  const matches = `(? = '' OR instr(recipients, lower(?)) > 0)`;
  const counted = db.prepare(`SELECT count(*) AS count FROM mails WHERE ${matches}`);
  const upwards = db.prepare(`SELECT * FROM mails WHERE ${matches} AND id > ? ORDER BY id LIMIT ?`);
  const downwards = db.prepare(`SELECT * FROM mails WHERE ${matches} AND id < ? ORDER BY id DESC LIMIT ?`);
  const one = db.prepare('SELECT * FROM mails JOIN bodies USING (id) WHERE id = ?');

  let waiting: { mail: CaughtMail; resolve: () => void; reject: (error: unknown) => void }[] = [];

  function commitWaiting(): void {
    const group = waiting;
    waiting = [];
    try {
      db.exec('BEGIN IMMEDIATE');
      for (const { mail } of group) {
        const { subject, messageId } = headerLines(mail.raw);
        const recipients = mail.to.join(' ').toLowerCase();
        const { lastInsertRowid } = insertMail.run(Date.now(), mail.from, recipients, subject, messageId);
        insertBody.run(lastInsertRowid, mail.raw);
      }
      db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { resolve } of group) resolve();
  }

  return {
    add: (mail) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(commitWaiting);
        waiting.push({ mail, resolve, reject });
      }),
    count: (to = '') => (counted.get(to, to) as { count: number }).count,
    list({ to = '', after, before = Number.MAX_SAFE_INTEGER, limit }) {
      const rows = after === undefined ? downwards.all(to, to, before, limit) : upwards.all(to, to, after, limit);
      return (rows as Row[]).map(summaryOf);
    },
    find(id) {
      const row = one.get(id) as (Row & { raw: Buffer }) | undefined;
      return row && { ...summaryOf(row), raw: Buffer.from(row.raw) };
    },
    close: () => void db.close(),
  };
}

const summaryOf = (row: Row): MailSummary => ({
  id: row.id,
  from: row.sender,
  to: row.recipients.split(' '),
  subject: row.subject,
  messageId: row.message_id,
  receivedAt: new Date(row.received_at).toISOString(),
});

function headerLines(raw: Buffer): { subject: string; messageId: string } {
  const end = raw.indexOf('\r\n\r\n');
  const head = raw.toString('utf8', 0, end === -1 ? raw.length : end).replace(/\r\n(?=[ \t])/g, '');
  const line = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head)?.[1]?.trim() ?? '';
  return { subject: line('subject'), messageId: line('message-id') };
}
