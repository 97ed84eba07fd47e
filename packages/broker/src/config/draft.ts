import { DEFAULT_LOG, type LogDestination } from '../admin/log.js';
import { DEFAULT_LISTENER, DEFAULT_SETTINGS, type ListenerPolicy, type Settings } from '../core/settings.js';
import type { PersistenceConfig, TlsConfig } from './config.js';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A listener while its options are read. */
export interface ListenerDraft {
  port: number;
  address: string | null;
  family: 'ipv4' | 'ipv6' | null;
  maxConnections: number;
  /** Null: as `allow_anonymous` says, which may stand further below. */
  allowAnonymous: boolean | null;
  readonly policy: Writable<Omit<ListenerPolicy, 'name' | 'allowAnonymous'>>;
  readonly tls: Writable<Omit<TlsConfig, 'certFile' | 'keyFile'>> & { certFile: string | null; keyFile: string | null };
  /** Where each of its options stands, for what can be judged only when all are known. */
  readonly lines: Map<string, number>;
}

/** A configuration while its options are read, line by line. */
export interface ConfigDraft {
  readonly settings: Settings;
  isPersistent: boolean;
  /** As they were given; they count if `isPersistent`. */
  readonly persistence: Writable<PersistenceConfig>;
  allowAnonymous: boolean | null;
  autoIdPrefix: string | null;
  /** Null: nothing was said. */
  logDestinations: LogDestination[] | null;
  logTypes: number | null;
  logTimestamp: boolean;
  logTimestampFormat: string | null;
  pidFile: string | null;
  noDelay: boolean;
}

export const DEFAULT_PORT = 1883;

export function newDraft(): ConfigDraft {
  return {
    settings: { ...DEFAULT_SETTINGS },
    isPersistent: false,
    persistence: {
      folder: '.',
      sync: 'always',
      syncIntervalMs: 1000,
      maxBytes: Number.POSITIVE_INFINITY,
      strict: false,
      mosquittoFile: 'mosquitto.db',
    },
    allowAnonymous: null,
    autoIdPrefix: null,
    logDestinations: null,
    logTypes: null,
    logTimestamp: DEFAULT_LOG.timestamp,
    logTimestampFormat: DEFAULT_LOG.timestampFormat,
    pidFile: null,
    noDelay: true,
  };
}

export function newListenerDraft(port: number = DEFAULT_PORT, address: string | null = null): ListenerDraft {
  const { name: _, allowAnonymous: __, ...policy } = DEFAULT_LISTENER;
  return {
    port,
    address,
    family: null,
    maxConnections: Number.POSITIVE_INFINITY,
    allowAnonymous: null,
    policy,
    tls: {
      certFile: null,
      keyFile: null,
      caFile: null,
      caPath: null,
      requireCertificate: false,
      minVersion: null,
      ciphers: null,
      ciphersOfTls13: null,
    },
    lines: new Map(),
  };
}
