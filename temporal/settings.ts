/** Where Temporal is and how to speak to it; the shape of `config.temporal`. */
import { readFileSync } from 'node:fs';
import type { TLSConfig } from '@temporalio/client';

export interface TemporalSettings {
  /** `host:port` */
  readonly address: string;
  readonly namespace: string;
  readonly apiKey: string | undefined;
  /** Paths of PEM files, and the name that the server's certificate is for. */
  readonly tls: {
    readonly cert: string | undefined;
    readonly key: string | undefined;
    readonly ca: string | undefined;
    readonly serverName: string | undefined;
  };
}

/** The part of a pino logger that is needed here. */
export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/**
 * What both of the SDK's connections take. An API key alone means TLS too, as in the SDK.
 * @throws Error naming the PEM file that can't be read
 */
export function connectionOptions({ address, apiKey, tls }: TemporalSettings) {
  const { cert, key, ca, serverName } = tls;
  const secured: TLSConfig = {
    ...(serverName !== undefined && { serverNameOverride: serverName }),
    ...(ca !== undefined && { serverRootCACertificate: pem('TEMPORAL_TLS_CA', ca) }),
    ...(cert !== undefined &&
      key !== undefined && {
        clientCertPair: { crt: pem('TEMPORAL_TLS_CERT', cert), key: pem('TEMPORAL_TLS_KEY', key) },
      }),
  };
  return {
    address,
    ...(apiKey !== undefined && { apiKey }),
    ...(Object.keys(secured).length > 0 && { tls: secured }),
  };
}

function pem(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${setting} must be the path of a PEM file, got "${path}": ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
