/** What the demo does: 500 welcome e-mails and one picture, and the proof that all of it arrived. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import sharp from 'sharp';
import type { Longhaul, Outcome, ResultOf, Run } from '../client/index.js';
import type { DemoProgress } from './demo-progress.js';

type Derivative = ResultOf<'file-pipeline'>['derivatives'][number];

export interface DemoReport {
  readonly campaign: {
    readonly workflowId: string;
    readonly recipients: number;
    /** Recipients that got their mail, as the catcher has it. */
    readonly delivered: number;
    /** From the request to its answer. */
    readonly acceptMs: number;
    /** From the request to the last mail's arrival. */
    readonly wallMs: number;
  };
  readonly file: { readonly workflowId: string; readonly derivatives: readonly Omit<Derivative, 'fileId'>[] };
  readonly runLinks: { readonly campaign: string; readonly file: string };
  /** Empty if all was delivered and verified. */
  readonly faults: readonly string[];
}

const mails = 500;
const withinMs = 5 * 60_000;
// From dist/bin/ to the repository: only code is compiled.
const sample = new URL('../../bin/sample.jpg', import.meta.url);

export async function runDemo(client: Longhaul, catcher: string, progress: DemoProgress): Promise<DemoReport> {
  const domain = `demo-${randomBytes(5).toString('hex')}.example`; // the catcher may hold mails of earlier demos
  const recipients = Array.from({ length: mails }, (_, at) => ({
    email: `guest-${String(at + 1).padStart(3, '0')}@${domain}`,
    name: `${names[at % names.length]} (no. ${at + 1})`,
  }));
  const { fileId } = await client.upload(await readFile(sample), { name: 'sample.jpg', mediaType: 'image/jpeg' });

  const postedAt = Date.now();
  const { run: campaign } = await client.start('email-campaign', { template: 'welcome', recipients });
  const acceptMs = Date.now() - postedAt;
  const { run: file } = await client.start('file-pipeline', { fileId });
  progress.say(`Accepted in ${acceptMs} ms: ${campaign.workflowId}, and ${file.workflowId}`);

  await show(client, catcher, domain, campaign, file, progress);
  const faults: string[] = [];

  const arrivals = await arrivalsAt(catcher, domain);
  const missing = recipients.filter(({ email }) => !arrivals.has(email));
  if (missing.length > 0)
    faults.push(`${missing.length} of ${mails} mails did not arrive, such as ${missing[0]!.email}`);
  const sent = await client.run<'email-campaign'>(campaign);
  if (sent.status !== 'completed') faults.push(`${campaign.workflowId} is ${worded(sent)}`);

  const made = await client.run<'file-pipeline'>(file);
  const derivatives = made.result?.derivatives ?? [];
  if (derivatives.length === 0) faults.push(`${file.workflowId} is ${worded(made)}: no derivatives`);
  for (const derivative of derivatives) faults.push(...(await faultsOf(client, derivative)));

  return {
    campaign: {
      workflowId: campaign.workflowId,
      recipients: mails,
      delivered: mails - missing.length,
      acceptMs,
      wallMs: Math.max(postedAt, ...arrivals.values()) - postedAt,
    },
    file: { workflowId: file.workflowId, derivatives: derivatives.map(({ fileId: _, ...facts }) => facts) },
    runLinks: { campaign: campaign.links.temporalUi, file: file.links.temporalUi },
    faults,
  };
}

/** Until both runs have ended. */
async function show(
  client: Longhaul,
  catcher: string,
  domain: string,
  campaign: Run,
  file: Run,
  progress: DemoProgress,
): Promise<void> {
  let open = 2;
  const ends = Promise.all(
    [campaign, file].map((run) => client.result(run, { waitSeconds: withinMs / 1_000 }).finally(() => open--)),
  );
  while (open > 0) {
    const [delivered, pipeline] = await Promise.all([countAt(catcher, domain), client.run(file)]);
    progress.show('E-mails delivered', delivered, mails);
    if (pipeline.progress?.total) progress.show('Derivatives made', pipeline.progress.done, pipeline.progress.total);
    await Promise.race([ends, pause(200)]);
  }
  const [, pipeline] = await ends;
  progress.show('E-mails delivered', await countAt(catcher, domain), mails);
  const made = (pipeline as Outcome<'file-pipeline'>).result?.derivatives.length;
  if (made !== undefined) progress.show('Derivatives made', made, made);
}

async function countAt(catcher: string, domain: string): Promise<number> {
  const response = await fetch(`${catcher}/api/messages/count?to=${encodeURIComponent(`@${domain}`)}`);
  return ((await response.json()) as { count: number }).count;
}

/** @returns when each address got its (last) mail */
async function arrivalsAt(catcher: string, domain: string): Promise<Map<string, number>> {
  const arrivals = new Map<string, number>();
  for (let after = 0; ;) {
    const query = new URLSearchParams({ to: `@${domain}`, after: String(after), limit: '1000' });
    const response = await fetch(`${catcher}/api/messages?${query}`);
    const { messages } = (await response.json()) as {
      messages: { id: number; to: string[]; receivedAt: string }[];
    };
    for (const { to, receivedAt } of messages) for (const address of to) arrivals.set(address, Date.parse(receivedAt));
    if (messages.length === 0) return arrivals;
    after = messages.at(-1)!.id;
  }
}

async function faultsOf(client: Longhaul, derivative: Derivative): Promise<string[]> {
  const { name, fileId, mediaType, width, height, bytes } = derivative;
  const content = Buffer.from(await (await client.file(fileId)).arrayBuffer());
  const sum = createHash('sha256').update(content).digest('hex');
  if (!fileId.endsWith(`.${sum}`)) return [`${name}: what GET /v1/files/${fileId} gives has the sha256 ${sum}`];
  if (content.length !== bytes) return [`${name} has ${content.length} bytes, not ${bytes}`];
  try {
    const { format } = await sharp(content).metadata();
    const { info } = await sharp(content).raw().toBuffer({ resolveWithObject: true }); // every pixel
    if (`image/${format}` !== mediaType) return [`${name} is ${format}, not ${mediaType}`];
    if (info.width !== width || info.height !== height) {
      return [`${name} is ${info.width} × ${info.height}, not ${width} × ${height}`];
    }
    return [];
  } catch (error) {
    return [`${name} can't be decoded: ${error instanceof Error ? error.message : String(error)}`];
  }
}

const worded = ({ status, error }: Run) =>
  error === undefined ? status : `${status} (${error.code}: ${error.message})`;

const names = [
  'Ada Lovelace',
  'Zoë Ångström',
  "Conan O'Brien",
  'Grace & Co',
  '山田 花子',
  'Dara Ó Briain',
  'José <Pepe> Ruiz',
];
