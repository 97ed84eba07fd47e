import { DEFAULT_LOG, type LogConfig, type LogDestination } from '../admin/log.js';
import { DEFAULT_LISTENER, DEFAULT_SETTINGS, type ListenerPolicy, type Settings } from '../core/settings.js';
import { type AbuseDraft, newAbuseDraft } from './abuse-options.js';
import { AUTH_WAYS, type AuthWay } from './auth-order-options.js';
import type { PersistenceConfig, TlsConfig } from './config.js';
import { type HttpAccessDraft, newHttpAccessDraft } from './http-options.js';
import { type JwtDraft, newJwtDraft } from './jwt-options.js';
import type { Origin } from './parse.js';
import type { Protocol } from './transport-options.js';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Options about access, for the broker or for one listener; null: nothing was said. */
export interface SecurityDraft {
  allowAnonymous: boolean | null;
  allowEmptyClientId: boolean | null;
  autoIdPrefix: string | null;
  pskFile: string | null;
  passwordFile: string | null;
  aclFile: string | null;
}

/** What is said about TLS. The certificates and the keys belong together in their order. */
export interface TlsDraft extends Writable<Omit<TlsConfig, 'certificates' | 'origins' | 'pskFile'>> {
  readonly certFiles: string[];
  readonly keyFiles: string[];
  /** See `TlsConfig.origins`. */
  readonly fileOrigins: Map<string, Origin>;
}

/** A listener while its options are read. */
export interface ListenerDraft {
  /** Where it begins in the configuration. */
  readonly origin: Origin | null;
  port: number;
  address: string | null;
  /** Of its Unix socket; null: it has a port. */
  readonly path: string | null;
  family: 'ipv4' | 'ipv6' | null;
  protocol: Protocol;
  /** Of `bind_interface`. */
  device: string | null;
  /** Null: nothing was said. */
  socketMode: number | null;
  proxyVersion: 1 | 2 | null;
  proxyRequiresTls: boolean;
  readonly webSocketOrigins: string[];
  webSocketPath: string | null;
  maxConnections: number;
  /** What it says of its own; what it does not say, `ConfigDraft.security` says, perhaps further below. */
  readonly security: SecurityDraft;
  readonly policy: Writable<Omit<ListenerPolicy, 'name' | 'allowAnonymous'>>;
  /** Where user names come from, if TLS can tell; the first goes before the second. */
  usesIdentity: boolean;
  usesSubject: boolean;
  readonly tls: TlsDraft;
  /** Where each of its options stands, for what can be judged only when all are known. */
  readonly origins: Map<string, Origin>;
}

/** A configuration while its options are read, line by line. */
export interface ConfigDraft {
  readonly settings: Settings;
  isPersistent: boolean;
  /** As they were given; they count if `isPersistent`. */
  readonly persistence: Writable<PersistenceConfig>;
  readonly security: SecurityDraft;
  readonly jwt: JwtDraft;
  readonly httpAccess: HttpAccessDraft;
  readonly abuse: AbuseDraft;
  authOrder: readonly AuthWay[];
  perListenerSettings: boolean;
  hasControlApi: boolean;
  /** Null: nothing was said. */
  logDestinations: LogDestination[] | null;
  logTypes: number | null;
  logTimestamp: boolean;
  logTimestampFormat: string | null;
  logFormat: LogConfig['format'];
  logFacility: number;
  pidFile: string | null;
  user: string | null;
  noDelay: boolean;
  packetBufferBytes: number;
  sysIntervalMs: number;
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
    security: newSecurityDraft(),
    jwt: newJwtDraft(),
    httpAccess: newHttpAccessDraft(),
    abuse: newAbuseDraft(),
    authOrder: AUTH_WAYS,
    perListenerSettings: false,
    hasControlApi: false,
    logDestinations: null,
    logTypes: null,
    logTimestamp: DEFAULT_LOG.timestamp,
    logTimestampFormat: DEFAULT_LOG.timestampFormat,
    logFormat: DEFAULT_LOG.format,
    logFacility: DEFAULT_LOG.facility,
    pidFile: null,
    user: null,
    noDelay: true,
    packetBufferBytes: 16 * 1024,
    sysIntervalMs: 10_000,
  };
}

function newSecurityDraft(): SecurityDraft {
  return {
    allowAnonymous: null,
    allowEmptyClientId: null,
    autoIdPrefix: null,
    pskFile: null,
    passwordFile: null,
    aclFile: null,
  };
}

/** What is there before anything is said about a listener: the default one, unless the arguments say otherwise. */
export function newListenerDraft(
  begun: Partial<Pick<ListenerDraft, 'origin' | 'port' | 'address' | 'path'>> = {},
): ListenerDraft {
  const { name: _, allowAnonymous: __, ...policy } = DEFAULT_LISTENER;
  return {
    origin: null,
    port: DEFAULT_PORT,
    address: null,
    path: null,
    ...begun,
    family: null,
    protocol: 'mqtt',
    device: null,
    socketMode: null,
    proxyVersion: null,
    proxyRequiresTls: false,
    webSocketOrigins: [],
    webSocketPath: null,
    maxConnections: Number.POSITIVE_INFINITY,
    security: newSecurityDraft(),
    policy,
    usesIdentity: false,
    usesSubject: false,
    tls: {
      certFiles: [],
      keyFiles: [],
      fileOrigins: new Map(),
      caFile: null,
      caPath: null,
      requireCertificate: false,
      crlFile: null,
      ignoresClientDates: false,
      minVersion: null,
      ciphers: null,
      ciphersOfTls13: null,
      dhParamFile: null,
      pskHint: null,
    },
    origins: new Map(),
  };
}
