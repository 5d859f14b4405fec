/** The API's connection and client. A worker's is in native-connection.ts. */
import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  isRetryableError,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { grpc, notConnected } from './errors.js';
import { connectionOptions, type TemporalSettings } from './settings.js';

/** Connects with the first call, and again whenever the server comes back: the API may start before Temporal does. */
export function clientConnection(settings: TemporalSettings): Connection {
  return Connection.lazy({
    ...connectionOptions(settings),
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000, // by default up to two minutes: the API would stay away long after Temporal is back
    },
    interceptors: [
      (options, next) =>
        (options.method_definition.path.endsWith(start) ? retryStart : retryCall)(options, retriedSafely(next)),
    ],
  });
}

export const clientOf = (connection: Connection, { namespace }: TemporalSettings): Client =>
  new Client({ connection, namespace });

type NextCall = Parameters<ReturnType<typeof makeGrpcRetryInterceptor>>[1];

/** The SDK calls again from a timer: on a connection closed meanwhile that throws where nobody can catch it. */
function retriedSafely(next: NextCall): NextCall {
  let calls = 0;
  return (options) => {
    if (calls++ === 0) return next(options);
    try {
      return next(options);
    } catch (error) {
      return {
        start: (metadata, listener) =>
          listener?.onReceiveStatus?.({ code: grpc.cancelled, details: (error as Error).message, metadata }),
        sendMessage: () => undefined,
        sendMessageWithContext: () => undefined,
        startRead: () => undefined,
        halfClose: () => undefined,
        cancelWithStatus: () => undefined,
        getPeer: () => 'closed',
      } as Partial<ReturnType<NextCall>> as ReturnType<NextCall>;
    }
  };
}

const start = '/StartWorkflowExecution';

// The SDK's own retries pause up to 5 s, past any deadline of ours.
const { delayFunction } = defaultGrpcRetryOptions();
const briefly = (attempt: number, status: Parameters<typeof delayFunction>[1]) =>
  Math.min(delayFunction(attempt, status), 500);

const retryCall = makeGrpcRetryInterceptor({
  delayFunction: briefly,
  retryableDecider: (attempt, status) => attempt < 5 && isRetryableError(status),
});

/** A start is repeated only when the first one surely did nothing, so that its error tells whether it may have. */
const retryStart = makeGrpcRetryInterceptor({
  delayFunction: briefly,
  retryableDecider: (attempt, status) =>
    attempt < 5 && (notConnected(status) || (status.code as number) === grpc.resourceExhausted),
});
