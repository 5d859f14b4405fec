/** Starts runs over REST as a service would, and follows them to their end. */
import { nowMs } from './clock.js';
import { csvOf, recipientsOf } from './recipients.js';

export interface Started {
  readonly workflowId: string;
  /** When the POST began, and when its 202 was there, by the clock of clock.ts. */
  readonly postedAt: number;
  readonly acceptedAt: number;
}

export interface CampaignResult {
  readonly recipients: number;
  readonly sent: number;
  readonly failed: number;
  readonly duplicate: number;
  readonly unknown: number;
}

/** One request ahead, so that the connection is open: a service keeps its connections too. */
export async function warm(apiUrl: string): Promise<void> {
  await (await fetch(`${apiUrl}/healthz`)).text();
}

export async function startCampaign(apiUrl: string, recipients: unknown): Promise<Started> {
  const body = JSON.stringify({ input: { template: 'welcome', recipients } });
  const postedAt = nowMs();
  const response = await fetch(`${apiUrl}/v1/jobs/email-campaign`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const acceptedAt = nowMs();
  const run = (await json(response, 202)) as { workflowId: string };
  return { workflowId: run.workflowId, postedAt, acceptedAt };
}

export const inlineList = (count: number) => recipientsOf(count);

export async function uploadedList(apiUrl: string, count: number): Promise<{ fileId: string }> {
  const response = await fetch(`${apiUrl}/v1/files?name=recipients.csv`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: ReadableStream.from(csvOf(count)),
    duplex: 'half',
  });
  const { fileId } = (await json(response, 201)) as { fileId: string };
  return { fileId };
}

/** @throws if the run has not completed, or its counts don't add up */
export async function endOf(apiUrl: string, { workflowId }: Started): Promise<CampaignResult> {
  for (;;) {
    const response = await fetch(`${apiUrl}/v1/runs/${workflowId}/result?wait=60`);
    if (response.status === 202) {
      await response.text();
      continue;
    }
    const { status, result } = (await json(response, 200)) as { status: string; result?: CampaignResult };
    if (status !== 'completed' || result === undefined) throw new Error(`${workflowId} has ended as ${status}`);
    const { recipients, sent, failed, duplicate, unknown } = result;
    if (sent + failed + duplicate + unknown !== recipients)
      throw new Error(`${workflowId}: the counts don't add up: ${JSON.stringify(result)}`);
    return result;
  }
}

async function json(response: Response, wanted: number): Promise<unknown> {
  const text = await response.text();
  if (response.status !== wanted) throw new Error(`${response.url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
