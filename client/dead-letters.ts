/** Dead letters: `longhaul.deadLetters.redrive({ code: 'mail-refused' })`. */
import type { Person, Run } from './types.js';

export interface DeadLetterFilter {
  readonly type?: string;
  readonly code?: string;
  readonly tag?: string;
  readonly workflowId?: string;
  /** Failed at or after, and before: RFC 3339. */
  readonly after?: string;
  readonly before?: string;
}

export interface DeadLetter {
  readonly workflowId: string;
  readonly type: string;
  /** `completed`: only `item` of it failed. */
  readonly runStatus: 'failed' | 'timedOut' | 'terminated' | 'completed';
  readonly item?: { readonly index: number; readonly about: string };
  readonly step?: string;
  readonly code: string;
  readonly message: string;
  readonly attempts?: number;
  readonly tags: readonly string[];
  readonly failedAt: string;
  readonly links: { readonly run: string; readonly input: string; readonly redrive: string };
}

export interface DeadLetterGroup {
  readonly type: string;
  readonly step?: string;
  readonly code: string;
  readonly count: number;
  readonly runs: number;
  readonly message: string;
  readonly firstAt: string;
  readonly lastAt: string;
}

export interface DeadLetterSummary {
  readonly count: number;
  readonly runs: number;
  readonly sample: readonly DeadLetter[];
  /** The run that does it. */
  readonly bulk?: Run;
}

type Call = (method: string, path: string, init?: RequestInit) => Promise<Response>;

export class DeadLetters {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** By cause, and a page of them. */
  async list(
    query: DeadLetterFilter & { limit?: number; cursor?: string } = {},
  ): Promise<{ groups: DeadLetterGroup[]; deadLetters: DeadLetter[]; nextCursor: string | null }> {
    const given = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]);
    const response = await this.#call('GET', `/v1/dead-letters?${new URLSearchParams(given)}`);
    return response.json() as ReturnType<DeadLetters['list']>;
  }

  /** Runs all again that the filter fits; what succeeded is not repeated. `dryRun` only counts. */
  redrive(what: DeadLetterFilter & Person & { dryRun?: boolean }): Promise<DeadLetterSummary> {
    return this.#post('redrive', what);
  }

  /** A person has decided that they are done with. */
  discard(
    what: DeadLetterFilter & Person & { reason: string; index?: number; dryRun?: boolean },
  ): Promise<DeadLetterSummary> {
    return this.#post('discard', what);
  }

  async #post(verb: string, body: object): Promise<DeadLetterSummary> {
    const response = await this.#call('POST', `/v1/dead-letters/${verb}`, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    return response.json() as Promise<DeadLetterSummary>;
  }
}
