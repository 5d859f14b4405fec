/** Schedules over REST, against the real server: no worker is needed for them to start runs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultPayloadConverter } from '@temporalio/client';
import { named } from '../../api/schemas.js';
import type { Schedule } from '../../api/schedule-view.js';
import { until } from '../support/until.js';
import { recipients, startApi, type TestApi } from './api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api[Symbol.asyncDispose]());

const input = { template: 'welcome', recipients: recipients(2) };
const nightly = { type: 'email-campaign', input, cron: '30 2 * * *', timeZone: 'Europe/Berlin' };

interface Told {
  status: number;
  headers: Headers;
  body: Schedule & {
    code: string;
    detail: string;
    errors: { path: string; message: string }[];
    schedules: Schedule[];
    nextCursor: string | null;
    next: { utc: string; local: string }[];
    count: number;
    sample: { utc: string; local: string }[];
    dryRun: boolean;
    change: string;
    fields: string[];
  };
}

const told = (answer: unknown) => answer as Told;
const post = async (path: string, body: unknown, headers?: Record<string, string>, at = api) =>
  told(await at.post(`/v1/schedules${path}`, body, headers));
const get = async (path: string, at = api) => told(await at.call(`/v1/schedules${path}`));
const put = async (id: string, body: unknown, at = api, query = '') =>
  told(
    await at.call(`/v1/schedules/${id}${query}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
const remove = async (id: string) => told(await api.call(`/v1/schedules/${id}`, { method: 'DELETE' }));

let made = 0;
const newId = () => `made-${++made}`;

async function runOf(id: string) {
  await until('it has a run', async () => (await get(`/${id}`)).body.recent.length > 0);
  return (await get(`/${id}`)).body.recent[0]!;
}

describe('created', () => {
  test('with an id of ours: 201, where it is, and when it fires', async () => {
    const answer = await post('', { ...nightly, note: 'for the early birds' });

    expect(answer.status).toBe(201);
    expect(answer.headers.get('Location')).toBe(`/v1/schedules/${answer.body.id}`);
    named.Schedule.parse(answer.body);
    expect(answer.body).toMatchObject({
      type: 'email-campaign',
      cron: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      overlap: 'skip',
      catchUpWindow: '10m',
      paused: false,
      note: 'for the early birds',
      recent: [],
      taken: 0,
      links: { temporalUi: `http://ui.test/namespaces/${api.namespace}/schedules/${answer.body.id}` },
    });
    expect(answer.body.next).toHaveLength(10);
    expect(answer.body.next[0]!.local).toMatch(/T02:30:00\+0[12]:00\[Europe\/Berlin\]$/);
    expect((await get(`/${answer.body.id}`)).body).toEqual({ ...answer.body, acts: [] });
  });

  test('no address stands in the schedule: lists go by reference', async () => {
    const { body } = await post('', nightly);
    const description = await api.client.workflowService.describeSchedule({
      namespace: api.namespace,
      scheduleId: body.id,
    });
    expect(body.input).toEqual({
      template: 'welcome',
      recipients: { fileId: expect.stringMatching(/^default\./), format: 'list', count: 2 },
    });
    const [payload] = description.schedule!.action!.startWorkflow!.input!.payloads!;
    expect(defaultPayloadConverter.fromPayload(payload!)).toEqual(body.input);
    expect(JSON.stringify(description.schedule!.action!.startWorkflow!.memo)).not.toContain('example.com');
    const { own } = { own: description.schedule!.policies! };
    expect(Number(own.catchupWindow!.seconds)).toBe(600); // the server's own is a year
  });

  test('the same key with the same body makes one, with another body it is refused; also after a change', async () => {
    const key = { 'Idempotency-Key': 'one-schedule' };
    const first = await post('', nightly, key);
    const second = await post('', nightly, key);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
    expect(second.body).toEqual(first.body);

    const other = await post('', { ...nightly, cron: '31 2 * * *' }, key);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    expect((await put(first.body.id, { ...nightly, cron: '32 2 * * *' })).status).toBe(200);
    expect(await post('', nightly, key)).toMatchObject({ status: 200, body: { cron: '32 2 * * *' } });
  });

  test('ten at once, from two APIs, under one key and under one id: one is made', async () => {
    await using other = await startApi({ namespace: api.namespace });
    const key = { 'Idempotency-Key': 'ten-at-once' };
    const keyed = await Promise.all([api, other, api, other, api].map((at) => post('', nightly, key, at)));
    expect(keyed.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
    expect(new Set(keyed.map(({ body }) => body.id)).size).toBe(1);

    const named = await Promise.all([api, other, api, other, api].map((at) => put('at-once', nightly, at)));
    expect(named.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
    expect((await get('/at-once')).body.updatedAt).toBeUndefined();
  });

  test('an uploaded list is known by its fileId, and one that is not there is refused', async () => {
    const { body: file } = await api.call('/v1/files?name=a.ndjson', {
      method: 'POST',
      body: '{"email":"ada@example.com"}\n',
    });
    const uploaded = { ...nightly, input: { template: 'welcome', recipients: { fileId: file.fileId } } };
    expect((await post('', uploaded)).status).toBe(201);
    const missing = { ...nightly, input: { template: 'welcome', recipients: { fileId: `default.${'0'.repeat(64)}` } } };
    expect(await post('', missing)).toMatchObject({ status: 422, body: { code: 'file-not-found' } });
  });
});

describe('refused in words, at the field', () => {
  const { cron: _cron, timeZone: _zone, ...bare } = nightly;
  test.each([
    ['nothing that says when', bare, 'cron', 'is required'],
    ['cron and interval', { ...nightly, interval: '1h' }, 'interval', "can't stand beside cron"],
    ['a minute 61', { ...nightly, cron: '61 * * * *' }, 'cron', 'Minute is not in range [0-59]'],
    ['six fields', { ...nightly, cron: '0 30 2 * * *' }, 'cron', 'five fields'],
    ['@every', { ...nightly, cron: '@every 5m' }, 'cron', 'set interval'],
    ['@reboot', { ...nightly, cron: '@reboot' }, 'cron', 'must be one of @hourly'],
    ['a zone in the cron', { ...nightly, cron: 'CRON_TZ=UTC 1 2 * * *' }, 'cron', 'set timeZone'],
    ['a comment in the cron', { ...nightly, cron: '1 2 * * * # x' }, 'cron', 'set note'],
    ['no cron at all', { ...nightly, cron: 'soon' }, 'cron', 'five fields'],
    ['day of month and of week', { ...nightly, cron: '0 0 13 * FRI' }, 'cron', 'cron takes either, Temporal both'],
    ['a 30 February', { ...nightly, cron: '0 0 30 2 *' }, 'cron', 'never fires'],
    ['the second of several', { ...nightly, cron: ['0 1 * * *', '0 x'] }, 'cron[1]', 'five fields'],
    ['an unknown zone', { ...nightly, timeZone: 'Europe/Berln' }, 'timeZone', 'got "Europe/Berln"'],
    ['a zone in lower case', { ...nightly, timeZone: 'europe/berlin' }, 'timeZone', 'IANA time zone'],
    ['the local zone', { ...nightly, timeZone: 'Local' }, 'timeZone', 'got "Local"'],
    ['an offset as a zone', { ...nightly, timeZone: '+03:00' }, 'timeZone', 'got "+03:00"'],
    ['half a second', { ...bare, interval: '500ms' }, 'interval', 'at least 1s'],
    ['a second and a half', { ...bare, interval: '1500ms' }, 'interval', 'whole seconds'],
    ['an offset as long as the interval', { ...bare, interval: { every: '1h', offset: '1h' } }, 'interval', 'below'],
    ['an interval of nonsense', { ...bare, interval: { every: '' } }, 'interval.every', 'length of time'],
    ['an hour 25', { ...bare, calendar: { hour: 25 } }, 'calendar', 'Hour'],
    ['an empty calendar', { ...bare, calendar: {} }, 'calendar', 'at least one field'],
    ['a year that is past', { ...bare, calendar: { year: 2020 } }, 'calendar', 'never fires'],
    [
      'an end before the start',
      { ...nightly, startAt: '2027-01-02T00:00:00Z', endAt: '2027-01-01T00:00:00Z' },
      'endAt',
      'after startAt',
    ],
    ['an end that is past', { ...nightly, endAt: '2020-01-01T00:00:00Z' }, 'cron', 'never fires from now on'],
    ['a time without offset', { ...nightly, startAt: '2027-01-02T00:00:00' }, 'startAt', 'must be'],
    ['a catch-up window below the server’s', { ...nightly, catchUpWindow: '5s' }, 'catchUpWindow', 'at least 10s'],
    ['an unknown overlap', { ...nightly, overlap: 'queue' }, 'overlap', 'must be one of skip'],
    ['an end after none', { ...nightly, endAfter: 0 }, 'endAfter', 'at least 1'],
    ['an unknown type', { ...nightly, type: 'mail' }, 'type', 'must be one of email-campaign'],
    ['a wrong input', { ...nightly, input: { ...input, template: 'x' } }, 'input.template', 'must be one of'],
    [
      'a wrong row',
      { ...nightly, input: { ...input, recipients: [{ email: 'no' }] } },
      'input.recipients[0].email',
      'e-mail',
    ],
    ['a delay', { ...nightly, delay: '1h' }, 'delay', 'is unknown here'],
  ])('%s', async (_what, body, path, words) => {
    for (const answer of [await post('', body), await put('refused', body)]) {
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
      const fault = answer.body.errors.find((error) => error.path === path);
      expect(fault?.message, JSON.stringify(answer.body.errors)).toContain(words);
    }
    expect((await get('/refused')).status).toBe(404);
  });

  test.each(['Upper', '-x', 'a:b', 'a%20b', 'x'.repeat(101)])('the id %s', async (id) => {
    expect(await put(id, nightly)).toMatchObject({ status: 422, body: { errors: [{ path: 'id' }] } });
    expect((await get(`/${id}`)).status).toBe(404);
  });

  test('what the server takes as well: names, steps, zones old and new, shorthands, several', async () => {
    for (const timing of [
      { cron: '*/15 8-17 * * MON-FRI' },
      { cron: '@weekly', timeZone: 'Asia/Calcutta' },
      { cron: ['0 1 * * *', '0 13 1 jan *'], timeZone: 'Europe/Kyiv' },
      { interval: { every: '1h', offset: '5m' }, jitter: '30s' },
      { interval: 'PT36H' },
      { calendar: { dayOfMonth: '1-7', dayOfWeek: 'MON', hour: 9 } },
      { calendar: [{ hour: 9 }, { hour: 17, minute: 30 }] },
    ]) {
      const answer = await post('', { ...bare, ...timing, endAfter: 3, expiresIn: '1h' });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      named.Schedule.parse(answer.body);
      expect(answer.body).toMatchObject({ ...timing, endAfter: 3, remaining: 3 });
      expect(answer.body.next).toHaveLength(3);
    }
  });
});

describe('PUT with an id of one’s own', () => {
  test('the same body changes nothing, another one updates', async () => {
    const id = newId();
    expect((await put(id, nightly)).status).toBe(201);
    const same = await put(id, { ...nightly, overlap: 'skip' }); // a default, spelled out
    expect(same.status).toBe(200);
    expect(same.body.updatedAt).toBeUndefined();

    const { cron: _, ...rest } = nightly;
    const changed = await put(id, { ...rest, interval: '1h', overlap: 'bufferOne', tags: ['x'] });
    expect(changed).toMatchObject({ status: 200, body: { interval: '1h', overlap: 'bufferOne', tags: ['x'] } });
    expect(changed.body.cron).toBeUndefined();
    expect(changed.body.updatedAt).toBeDefined();
    expect((await get(`/${id}`)).body).toMatchObject({ interval: '1h' });
  });

  test('a dry run tells what would change, and changes nothing', async () => {
    const id = newId();
    expect((await put(id, nightly, api, '?dryRun=true')).body).toEqual({ change: 'create', fields: [] });
    expect((await get(`/${id}`)).status).toBe(404);
    await put(id, nightly);
    const changed = { ...nightly, cron: '0 4 * * *', input: { ...input, recipients: recipients(3) } };
    const answer = await put(id, changed, api, '?dryRun=true');
    named.ScheduleChange.parse(answer.body);
    expect(answer.body.change).toBe('update');
    expect(answer.body.fields.sort()).toEqual(['cron', 'input']);
    expect((await put(id, nightly, api, '?dryRun=true')).body).toEqual({ change: 'none', fields: [] });
    expect((await put(id, { ...nightly, cron: 'x' }, api, '?dryRun=true')).status).toBe(422);
    expect((await get(`/${id}`)).body.cron).toBe('30 2 * * *');
  });

  test('what somebody paused stays paused, and what has fired of a limit stays counted', async () => {
    const id = newId();
    const often = { type: 'email-campaign', input, interval: '1s', overlap: 'allowAll', endAfter: 2 };
    await put(id, often);
    await until('both have fired', async () => (await get(`/${id}`)).body.remaining === 0, { withinMs: 10_000 });
    await post(`/${id}/pause`, { reason: 'not now' });

    const changed = await put(id, { ...often, endAfter: 5 });
    expect(changed.body).toMatchObject({ paused: true, note: 'not now', remaining: 3, taken: 2 });
    const woken = await put(id, { ...often, endAfter: 5, paused: true });
    expect(woken.body.paused).toBe(true);
    expect((await put(id, { ...often, endAfter: 5, paused: false })).body.paused).toBe(false);
  });

  test('a pause at the same moment as an update is not lost', async () => {
    const id = newId();
    await put(id, nightly);
    for (let minute = 1; minute <= 10; minute++) {
      const [updated, paused] = await Promise.all([
        put(id, { ...nightly, cron: `${minute} 3 * * *` }),
        post(`/${id}/pause`, {}),
      ]);
      expect([updated.status, paused.status]).toEqual([200, 200]);
      expect((await get(`/${id}`)).body).toMatchObject({ paused: true, cron: `${minute} 3 * * *` });
      await post(`/${id}/resume`, {});
    }
  });

  test('what one owner manages, nobody else changes; anybody may delete it', async () => {
    const id = newId();
    await put(id, { ...nightly, managedBy: 'schedules.ts' });
    for (const answer of [
      await put(id, nightly),
      await put(id, { ...nightly, managedBy: 'me' }),
      await put(id, nightly, api, '?dryRun=true'),
    ]) {
      expect(answer).toMatchObject({ status: 409, body: { code: 'schedule-managed' } });
      expect(answer.body.detail).toContain('managed by "schedules.ts"');
    }
    expect((await remove(id)).status).toBe(204);
    expect((await put(id, nightly)).status).toBe(201);
  });

  test('a Temporal Schedule that was made elsewhere is neither shown nor touched', async () => {
    await api.client.schedule.create({
      scheduleId: 'foreign',
      spec: { intervals: [{ every: '1d' }] },
      action: { type: 'startWorkflow', workflowType: 'x', taskQueue: 'x' },
    });
    expect(await put('foreign', nightly)).toMatchObject({ status: 409, body: { code: 'schedule-foreign' } });
    expect((await get('/foreign')).status).toBe(404);
    expect((await remove('foreign')).status).toBe(404);
    expect((await post('/foreign/trigger', {})).status).toBe(404);
    await api.client.schedule.getHandle('foreign').describe();
  });

  test('two with different bodies at once: both are answered, one of them stands whole', async () => {
    const id = newId();
    await put(id, nightly);
    const bodies = ['0 5 * * *', '0 6 * * *'].map((cron) => ({ ...nightly, cron, note: cron }));
    const answers = await Promise.all(bodies.map((body) => put(id, body)));
    for (const { status } of answers) expect([200, 409]).toContain(status);
    const { cron, note } = (await get(`/${id}`)).body;
    expect(note).toBe(cron);
    expect(['0 5 * * *', '0 6 * * *']).toContain(cron);
  });
});

describe('its runs', () => {
  test('carry the nominal time, the schedule, tenant, tags, priority and expiry', async () => {
    const id = newId();
    await put(id, {
      ...nightly,
      tags: ['a', 'b'],
      priority: 2,
      onAmbiguous: 'hold',
      expiresIn: '1h30m',
    });
    const { status, body } = await post(`/${id}/trigger`, {});
    expect(status).toBe(202);
    named.Schedule.parse(body);
    const run = body.recent[0]!;

    const suffix = run.workflowId.slice(`email-campaign:${id}-`.length);
    expect(run.workflowId).toBe(`email-campaign:${id}-${suffix}`);
    expect(new Date(suffix).getTime()).toBe(Math.floor(new Date(run.nominalTime).getTime() / 1_000) * 1_000);
    const { workflowExecutionInfo: info } = await api.client.workflowService.describeWorkflowExecution({
      namespace: api.namespace,
      execution: { workflowId: run.workflowId },
    });
    const fields = Object.fromEntries(
      Object.entries(info!.searchAttributes!.indexedFields!).map(([name, value]) => [
        name,
        defaultPayloadConverter.fromPayload(value),
      ]),
    );
    expect(fields).toMatchObject({
      Tenant: 'default',
      JobState: 'running',
      Tags: ['a', 'b'],
      TemporalScheduledStartTime: suffix,
      TemporalScheduledById: id,
    });
    expect(info!.priority!.priorityKey).toBe(2);
    expect(defaultPayloadConverter.fromPayload(info!.memo!.fields!['longhaul']!)).toMatchObject({
      ...{ v: 1, tenant: 'default', onAmbiguous: 'hold', schedule: id, expiresInMs: 5_400_000 },
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await api.call(run.links.self)).body).toMatchObject({ runId: run.runId, type: 'email-campaign' });
  });

  test('those that would overlap are skipped and counted, and a trigger says so', async () => {
    const id = newId();
    await put(id, { type: 'email-campaign', input, interval: '1s', note: 'often' });
    await until('one is skipped', async () => (await get(`/${id}`)).body.skipped > 0);
    const { body } = await get(`/${id}`);
    expect(body.taken).toBe(1);
    expect(body.running).toHaveLength(1);

    const refused = await post(`/${id}/trigger`, { by: 'ada', reason: 'impatience' });
    expect(refused).toMatchObject({ status: 409, body: { code: 'schedule-overlap' } });
    expect(refused.body.detail).toContain(body.running[0]!.workflowId);
    expect((await get(`/${id}`)).body.acts).toEqual([]); // it did not happen
    await put(id, { type: 'email-campaign', input, interval: '1h', note: 'seldom' });
    expect((await post(`/${id}/trigger`, { overlap: 'allowAll' })).body.taken).toBe(2);
  });

  test('of three triggers in a row each starts its run', async () => {
    const id = newId();
    await put(id, { ...nightly, overlap: 'allowAll' });
    for (const taken of [1, 2, 3]) expect((await post(`/${id}/trigger`, {})).body.taken).toBe(taken);
  });

  test('a trigger that is sent again with its key starts one run', async () => {
    const id = newId();
    await put(id, { ...nightly, overlap: 'allowAll' });
    const key = { 'Idempotency-Key': 'again' };
    const { body } = await post(`/${id}/trigger`, {}, key);
    expect(body.taken).toBe(1);
    await post(`/${id}/trigger`, {}, key);
    expect((await get(`/${id}`)).body.taken).toBe(1);
    await post(`/${id}/trigger`, {}, { 'Idempotency-Key': 'another' });
    expect((await get(`/${id}`)).body.taken).toBe(2);
  });

  test('it ends after the Nth, and before its end date', async () => {
    const [after, at] = [newId(), newId()];
    const often = { type: 'email-campaign', input, interval: '1s', overlap: 'allowAll' };
    await put(after, { ...often, endAfter: 2 });
    const endAt = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 2_000).toISOString();
    await put(at, { ...often, endAt });
    await until('the first has ended', async () => (await get(`/${after}`)).body.remaining === 0);
    await until('the second has ended', () => Date.now() > Date.parse(endAt) + 2_000);

    const first = (await get(`/${after}`)).body;
    expect([first.taken, first.next]).toEqual([2, []]);
    const second = (await get(`/${at}`)).body;
    expect(second.taken).toBeGreaterThan(0);
    expect(second.recent.every(({ nominalTime }) => nominalTime <= endAt)).toBe(true);
    expect(second.next).toEqual([]);
  });
});

describe('pause and resume', () => {
  test('stand on the schedule with who, when and why, the latest first', async () => {
    const id = newId();
    await put(id, nightly);
    const paused = await post(`/${id}/pause`, { by: 'ada', reason: 'the mail server moves' });
    named.Schedule.parse(paused.body);
    expect(paused).toMatchObject({ status: 200, body: { paused: true, note: 'the mail server moves', next: [] } });
    await post(`/${id}/pause`, { by: 'ada', reason: 'the mail server moves' }); // repeating is harmless
    const resumed = await post(`/${id}/resume`, { by: 'bob' });
    expect(resumed.body).toMatchObject({ paused: false, note: 'Resumed by bob' });
    expect((await get(`/${id}`)).body.acts).toEqual([
      { act: 'resume', by: 'bob', at: expect.any(String) },
      { act: 'pause', by: 'ada', reason: 'the mail server moves', at: expect.any(String) },
      { act: 'pause', by: 'ada', reason: 'the mail server moves', at: expect.any(String) },
    ]);
  });

  test('a paused one starts nothing, and goes on from there', async () => {
    const id = newId();
    await put(id, { type: 'email-campaign', input, interval: '1s', overlap: 'allowAll', paused: true });
    const since = Date.now();
    await until('some seconds have passed', () => Date.now() > since + 2_500);
    expect((await get(`/${id}`)).body).toMatchObject({ taken: 0, missed: 0 });
    await post(`/${id}/resume`, {});
    const { nominalTime } = await runOf(id);
    expect(new Date(nominalTime).getTime()).toBeGreaterThan(since + 2_000);
  });
});

describe('backfill', () => {
  const hourly = { type: 'email-campaign', input, cron: '0 * * * *', timeZone: 'Asia/Calcutta', paused: true };

  test('a dry run counts, both ends included; the real one starts as many runs', async () => {
    const id = newId();
    await put(id, hourly);
    const range = { from: '2026-07-01T00:30:00Z', to: '2026-07-01T03:30:00Z' };
    const dry = await post(`/${id}/backfill`, { ...range, dryRun: true });
    named.Backfill.parse(dry.body);
    expect(dry.status).toBe(200);
    expect(dry.body).toMatchObject({ count: 4, dryRun: true });
    expect(dry.body.sample[0]).toEqual({
      utc: '2026-07-01T00:30:00.000Z',
      local: '2026-07-01T06:00:00+05:30[Asia/Calcutta]',
    });
    expect((await get(`/${id}`)).body).toMatchObject({ taken: 0, acts: [] });

    const key = { 'Idempotency-Key': 'backfill' };
    const order = { ...range, overlap: 'allowAll', by: 'ada', reason: 'the outage' };
    expect(await post(`/${id}/backfill`, order, key)).toMatchObject({ status: 202, body: { count: 4, dryRun: false } });
    await until('all have started', async () => (await get(`/${id}`)).body.taken === 4);
    const { body } = await get(`/${id}`);
    expect(body.recent.map(({ workflowId }) => workflowId).sort()).toEqual(
      [0, 1, 2, 3].map((hour) => `email-campaign:${id}-2026-07-01T0${hour}:30:00Z`),
    );
    expect(body.acts).toMatchObject([{ act: 'backfill', by: 'ada', reason: 'the outage' }]);

    expect((await post(`/${id}/backfill`, order, key)).status).toBe(202);
    expect((await post(`/${id}/backfill`, { ...order, reason: 'again' })).status).toBe(202);
    await post(`/${id}/trigger`, { overlap: 'allowAll' });
    await until('a later act has taken effect', async () => (await get(`/${id}`)).body.taken > 4);
    expect((await get(`/${id}`)).body.taken).toBe(5); // those of the backfill go on: none is started beside them
  });

  test('by default one after another', async () => {
    const id = newId();
    await put(id, hourly);
    await post(`/${id}/backfill`, { from: '2026-07-01T00:30:00Z', to: '2026-07-01T03:30:00Z' });
    await until('the others wait', async () => (await get(`/${id}`)).body.waiting === 3);
    expect((await get(`/${id}`)).body).toMatchObject({ taken: 1, skipped: 0 });
  });

  test('at most 1,000 firings, nothing of the future, and not backwards', async () => {
    const id = newId();
    await put(id, { ...hourly, cron: '* * * * *' });
    const from = '2026-07-01T00:00:00Z';
    const fits = await post(`/${id}/backfill`, { from, to: '2026-07-01T16:39:00Z', dryRun: true });
    expect(fits.body.count).toBe(1_000);
    const tooMany = await post(`/${id}/backfill`, { from, to: '2026-07-01T16:40:00Z', dryRun: true });
    expect(tooMany).toMatchObject({ status: 422, body: { errors: [{ path: 'to' }] } });
    expect(tooMany.body.detail).toContain('more than 1000 firings');
    for (const to of ['2200-01-01T00:00:00Z', '2026-06-01T00:00:00Z']) {
      expect(await post(`/${id}/backfill`, { from, to })).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'to' }] },
      });
    }
  });
});

describe('the next firings', () => {
  const next = (timing: object, query = '?count=3') => post(`/next${query}`, timing);

  test('of a saved one, paused or not, in its zone and in UTC; no more than are left', async () => {
    const id = newId();
    await put(id, { ...nightly, paused: true, endAfter: 50 });
    const { status, body } = await get(`/${id}/next?count=100`);
    expect(status).toBe(200);
    named.FiringList.parse(body);
    expect(body.next).toHaveLength(50);
    for (const { utc, local } of body.next) {
      expect(local).toMatch(/T02:30:00\+0[12]:00\[Europe\/Berlin\]$/);
      expect(new Date(local.replace(/\[.*/, '')).toISOString()).toBe(utc);
    }
    expect(await get(`/${id}/next?count=101`)).toMatchObject({ status: 422 });
  });

  test('of one that is not saved, and nothing is left of it', async () => {
    const answer = await next({ cron: '0 9 29 2 *', timeZone: 'America/New_York' });
    expect(answer.status).toBe(200);
    expect(answer.body.next.map(({ local }) => local)).toEqual(
      [2028, 2032, 2036].map((year) => `${year}-02-29T09:00:00-05:00[America/New_York]`),
    );
    expect((await next({ cron: '61 * * * *' })).body.errors[0]!.path).toBe('cron');
    expect((await next({ cron: '0 0 30 2 *' })).body.next).toEqual([]);
    const left = async () => {
      const ids: string[] = [];
      for await (const { scheduleId } of api.client.schedule.list()) ids.push(scheduleId);
      return ids.filter((id) => id.startsWith('longhaul:'));
    };
    await until('none is left', async () => (await left()).length === 0);
  });

  const after = (startAt: string, cron: string, timeZone: string) =>
    next({ cron, timeZone, startAt }).then(({ body }) => body.next.map(({ local }) => local.replace(/\[.*/, '')));

  test('02:30 in Berlin on the night that has none does not fire: the night is left out', async () => {
    expect(await after('2027-03-27T00:00:00Z', '30 2 * * *', 'Europe/Berlin')).toEqual([
      '2027-03-27T02:30:00+01:00',
      '2027-03-29T02:30:00+02:00',
      '2027-03-30T02:30:00+02:00',
    ]);
  });

  test('02:30 in Berlin on the night that has two fires once, at the second', async () => {
    expect(await after('2027-10-30T00:00:00Z', '30 2 * * *', 'Europe/Berlin')).toEqual([
      '2027-10-30T02:30:00+02:00',
      '2027-10-31T02:30:00+01:00',
      '2027-11-01T02:30:00+01:00',
    ]);
  });

  test('01:30 in New York on the night that has two fires twice', async () => {
    expect(await after('2027-11-07T00:00:00Z', '30 1 * * *', 'America/New_York')).toEqual([
      '2027-11-07T01:30:00-04:00',
      '2027-11-07T01:30:00-05:00',
      '2027-11-08T01:30:00-05:00',
    ]);
  });

  test('02:30 in New York on the night that has none is left out', async () => {
    expect(await after('2027-03-13T07:00:00Z', '30 2 * * *', 'America/New_York')).toEqual([
      '2027-03-13T02:30:00-05:00',
      '2027-03-15T02:30:00-04:00',
      '2027-03-16T02:30:00-04:00',
    ]);
  });

  test('every hour in Berlin leaves out one of the two hours; in UTC, or as an interval, none', async () => {
    expect(await after('2027-10-31T00:00:00Z', '30 * * * *', 'Europe/Berlin')).toEqual([
      '2027-10-31T02:30:00+02:00',
      '2027-10-31T03:30:00+01:00',
      '2027-10-31T04:30:00+01:00',
    ]);
    expect(await after('2027-10-31T00:00:00Z', '30 * * * *', 'UTC')).toEqual(
      ['00', '01', '02'].map((hour) => `2027-10-31T${hour}:30:00+00:00`),
    );
  });

  test('02:00 and 02:30 in Berlin on the night that has two: the server fires at 02:00 and at 03:30', async () => {
    expect(await after('2027-10-31T00:00:00Z', '*/30 2 * * *', 'Europe/Berlin')).toEqual([
      '2027-10-31T02:00:00+01:00',
      '2027-10-31T03:30:00+01:00',
      '2027-11-01T02:00:00+01:00',
    ]);
  });

  test('04:00 fires once each night, in both', async () => {
    for (const [day, offsets] of [
      ['2027-03-27', ['+01:00', '+02:00', '+02:00']],
      ['2027-10-30', ['+02:00', '+01:00', '+01:00']],
    ] as const) {
      const times = await after(`${day}T00:00:00Z`, '0 4 * * *', 'Europe/Berlin');
      expect(times.map((time) => time.slice(11))).toEqual(offsets.map((offset) => `04:00:00${offset}`));
      expect(new Set(times.map((time) => time.slice(0, 10))).size).toBe(3);
    }
  });
});

describe('listed and deleted', () => {
  test('page by page, each once, and no longer once they are deleted', async () => {
    await using own = await startApi();
    const ids = ['a', 'b', 'c', 'd', 'e'];
    for (const id of ids) await put(id, nightly, own);
    await post('/next', { cron: '0 1 * * *' }, undefined, own);
    const listed = async () => {
      const found: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body } = await get(`?limit=2${cursor && `&cursor=${cursor}`}`, own);
        named.ScheduleList.parse(body);
        found.push(...body.schedules.map(({ id }) => id));
        cursor = body.nextCursor;
      }
      return found.sort().join();
    };
    await until('all are listed', async () => (await listed()) === ids.join());
    await own.call('/v1/schedules/c', { method: 'DELETE' });
    await until('it is listed no more', async () => (await listed()) === 'a,b,d,e');
    expect((await get('?cursor=abcdefghijkl', own)).status).toBe(422);
  });

  test('what is gone is 404 in words, for whatever is asked of it; PUT makes it anew', async () => {
    const id = newId();
    await put(id, nightly);
    expect((await remove(id)).status).toBe(204);
    for (const answer of [
      await get(`/${id}`),
      await get(`/${id}/next`),
      await remove(id),
      await post(`/${id}/pause`, {}),
      await post(`/${id}/resume`, {}),
      await post(`/${id}/trigger`, {}),
      await post(`/${id}/backfill`, { from: '2026-07-01T00:00:00Z', to: '2026-07-02T00:00:00Z' }),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'schedule-not-found' } });
      expect(answer.body.detail).toContain(`"${id}"`);
    }
    expect((await put(id, nightly)).status).toBe(201);
    expect((await get(`/${id}`)).body.acts).toMatchObject([{ act: 'delete' }]);
  });
});
