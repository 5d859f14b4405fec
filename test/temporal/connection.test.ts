import { expect, test } from 'vitest';
import { freePort } from '../../bin/ports.js';
import { clientConnection } from '../../temporal/connection.js';
import { isTemporalAway, mayHaveHappened } from '../../temporal/errors.js';

async function connectionToNobody() {
  return clientConnection({
    address: `127.0.0.1:${await freePort('127.0.0.1')}`,
    namespace: 'default',
    apiKey: undefined,
    tls: { cert: undefined, key: undefined, ca: undefined, serverName: undefined },
  });
}

test('with no server a call fails within two seconds, and surely did nothing', async () => {
  const connection = await connectionToNobody();
  const startedAt = Date.now();
  const error: unknown = await connection.workflowService.startWorkflowExecution({}).catch((error: unknown) => error);
  expect(Date.now() - startedAt).toBeLessThan(2_500);
  expect({ isAway: isTemporalAway(error), mayHave: mayHaveHappened(error) }).toEqual({ isAway: true, mayHave: false });
  await connection.close();
});

test('a connection closed while a call is being tried again throws nothing into the open', async () => {
  const thrown: unknown[] = [];
  const note = (error: unknown) => thrown.push(error);
  process.on('uncaughtException', note);
  const connection = await connectionToNobody();
  const call = connection.workflowService.getSystemInfo({}).catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 50)); // within the first pause, of 136 ms or more
  await connection.close();
  expect(await call).toBeInstanceOf(Error);
  process.off('uncaughtException', note);
  expect(thrown).toEqual([]);
});
