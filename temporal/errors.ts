/** What Temporal's gRPC errors mean to us. https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
import { NamespaceNotFoundError } from '@temporalio/client';

export const grpc = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

interface GrpcError extends Error {
  readonly code: number;
  readonly details: string;
}

/** The gRPC error that an error is, or that the SDK wrapped in it. */
export function grpcErrorOf(error: unknown): GrpcError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'number' && 'details' in at) return at as GrpcError;
  }
  return undefined;
}

/** The call never left this process: grpc-js's own words, since its code is that of a call cut off half-way. */
export const notConnected = ({ code, details }: { code: number; details: string }) =>
  code === grpc.unavailable && details.startsWith('No connection established');

/** Temporal is away, overloaded or not ready; the same call may work later. */
export function isTemporalAway(error: unknown): boolean {
  if (error instanceof NamespaceNotFoundError) return true; // not made yet, or made anew
  const fault = grpcErrorOf(error);
  return fault !== undefined && awayCodes.includes(fault.code);
}

const awayCodes: readonly number[] = [
  grpc.cancelled, // by ourselves, when the API closes
  grpc.unknown,
  grpc.deadlineExceeded,
  grpc.resourceExhausted,
  grpc.aborted,
  grpc.internal,
  grpc.unavailable,
  grpc.unauthenticated,
  grpc.permissionDenied,
];

/** The request may have done its work although it failed: it was sent, and no answer came back. */
export function mayHaveHappened(error: unknown): boolean {
  const fault = grpcErrorOf(error);
  return fault !== undefined && unanswered.includes(fault.code) && !notConnected(fault);
}

const unanswered: readonly number[] = [
  grpc.cancelled,
  grpc.unknown,
  grpc.deadlineExceeded,
  grpc.aborted,
  grpc.internal,
  grpc.unavailable,
];
