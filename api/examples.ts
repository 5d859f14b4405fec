/** The examples that OpenAPI shows. */
export const exampleRun = {
  workflowId: 'email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc',
  runId: '01980b1e-7c3a-7d0e-9d3f-5a1b2c3d4e5f',
  type: 'email-campaign',
  status: 'running',
  progress: { done: 120, total: 500, unit: 'mail', message: '' },
  createdAt: '2026-07-01T12:00:00.000Z',
  startedAt: '2026-07-01T12:00:00.000Z',
  tags: [],
  links: {
    self: '/v1/runs/email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc',
    events: '/v1/runs/email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc/events',
    temporalUi:
      'http://127.0.0.1:8233/namespaces/default/workflows/email-campaign:06d3z8k1v5w9q2r7t4y0b6n3mc/01980b1e-7c3a-7d0e-9d3f-5a1b2c3d4e5f',
  },
};

export const exampleFile = {
  fileId: `default.${'0a1b2c3d'.repeat(8)}`,
  bytes: 48_213,
  mediaType: 'image/jpeg',
  sha256: '0a1b2c3d'.repeat(8),
};

export const exampleLetter = {
  workflowId: exampleRun.workflowId,
  type: exampleRun.type,
  runStatus: 'completed',
  item: { index: 17, about: 'ada@example.com' },
  step: 'sendSlice',
  code: 'mail-refused',
  message: '550 no such user',
  attempts: 1,
  tags: ['signup'],
  failedAt: '2026-07-01T12:00:00.000Z',
  links: {
    run: exampleRun.links.self,
    input: `${exampleRun.links.self}/input`,
    redrive: `${exampleRun.links.self}/redrive`,
  },
};
