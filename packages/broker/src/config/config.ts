import type { LogConfig } from '../admin/log.js';
import type { ListenerPolicy, Settings } from '../core/settings.js';
import type { AbuseConfig } from './abuse-options.js';
import type { AccessParts } from './access-config.js';
import type { AuthWay } from './auth-order-options.js';
import type { BridgeConfig } from './bridge-config.js';
import type { HttpAccessConfig } from './http-options.js';
import type { JwtConfig } from './jwt-options.js';
import type { Origin } from './parse.js';
import type { PluginConfig } from './plugin-config.js';

/** A certificate of the server, and its private key. */
export interface CertificatePair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** How a listener speaks TLS: paths and names as they were given. What is in the files is seen at the start. */
export interface TlsConfig {
  /** The first is for clients that ask for no name, or for one that none of them has. Empty: there are only PSKs. */
  readonly certificates: readonly CertificatePair[];
  /** Null, here and below: nothing was said. */
  readonly caFile: string | null;
  readonly caPath: string | null;
  readonly requireCertificate: boolean;
  readonly crlFile: string | null;
  /** Certificates of clients are good before and after the time that stands in them, too. */
  readonly ignoresClientDates: boolean;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3' | null;
  /** For TLS 1.2. */
  readonly ciphers: string | null;
  readonly ciphersOfTls13: string | null;
  readonly dhParamFile: string | null;
  /** Null: clients cannot use pre-shared keys. */
  readonly pskHint: string | null;
  readonly pskFile: string | null;
  /** Where its options stand: by name, and by name and file for those that may be repeated (`certfile /a.crt`). */
  readonly origins: ReadonlyMap<string, Origin>;
}

/** What a listener asks of the proxy that it stands behind. */
export interface ProxyConfig {
  /** Of its headers. */
  readonly version: 1 | 2;
  /** Clients have to speak TLS with the proxy. */
  readonly requireTls: boolean;
  /** Clients have to have a certificate that the proxy finds good. */
  readonly requireCertificate: boolean;
}

/** Whom a listener lets open a WebSocket, and where. */
export interface WebSocketConfig {
  /** Of web pages, as browsers write them; empty: any. */
  readonly origins: readonly string[];
  /** Null: any. */
  readonly path: string | null;
  readonly maxHeaderBytes: number;
}

/** One port that the broker is to open. */
export interface ListenerConfig {
  /** Where it begins in the configuration, for messages; null: it is not there. */
  readonly origin: Origin | null;
  /** 0: any free one. */
  readonly port: number;
  /** An address or a host name; null: all addresses of the machine. */
  readonly address: string | null;
  /** Of a Unix socket, which it has instead of a port; null: it has a port. */
  readonly path: string | null;
  /** Null: both. */
  readonly family: 'ipv4' | 'ipv6' | null;
  /** The network device whose addresses stand in for `address`; null: none. */
  readonly device: string | null;
  /** Permissions of the Unix socket. */
  readonly socketMode: number;
  /** It is for the HTTP API, and must not be open to MQTT. */
  readonly isHttpApi: boolean;
  /** Null: it stands behind none. */
  readonly proxy: ProxyConfig | null;
  readonly webSocket: WebSocketConfig;
  /** Live connections of this listener; `Infinity`: no limit. */
  readonly maxConnections: number;
  /** Null: it does not speak TLS. */
  readonly tls: TlsConfig | null;
  readonly policy: Omit<ListenerPolicy, 'name'>;
}

/** What is kept on disk, and how. A change takes effect at the next start. */
export interface PersistenceConfig {
  /** An absolute path; made if it is not there. */
  readonly folder: string;
  /** When an acknowledgement may leave: when the disk has what it promises, or earlier. */
  readonly sync: 'always' | 'interval' | 'never';
  /** For `interval`: how often is written and synced. */
  readonly syncIntervalMs: number;
  /** How much the data may take; `Infinity`: as much as the disk has. */
  readonly maxBytes: number;
  /** Refuse to start with a damaged store, instead of moving it aside. */
  readonly strict: boolean;
  /** What Mosquitto calls its file, which may lie in the same folder. */
  readonly mosquittoFile: string;
}

/** Everything that a broker process is told before it starts. */
export interface BrokerConfig {
  /** Where it was read from; null: nothing was read. */
  readonly file: string | null;
  /** No listener was configured: only clients on this machine can connect, and need no user name. */
  readonly localOnly: boolean;
  readonly listeners: readonly ListenerConfig[];
  readonly bridges: readonly BridgeConfig[];
  readonly plugins: readonly PluginConfig[];
  /** What decides about clients, by `ListenerPolicy.access`. */
  readonly access: ReadonlyMap<string, AccessParts>;
  /** Whether `$CONTROL/broker/v1` answers. */
  readonly hasControlApi: boolean;
  /** Null: tokens let nobody in. */
  readonly jwt: JwtConfig | null;
  /** Null: no service is asked. */
  readonly httpAccess: HttpAccessConfig | null;
  /** All ways in, in the order in which they are asked. */
  readonly authOrder: readonly AuthWay[];
  readonly abuse: AbuseConfig;
  readonly settings: Settings;
  /** Null: nothing outlives the process. */
  readonly persistence: PersistenceConfig | null;
  readonly log: LogConfig;
  /** An absolute path; null: none. */
  readonly pidFile: string | null;
  /** Whose rights a broker that is started by root keeps; null: nothing was said. */
  readonly user: string | null;
  /** Gets the secrets of TLS connections, for those who have to look into them; null: nobody gets them. */
  readonly tlsKeyLogFile: string | null;
  readonly noDelay: boolean;
  /** Between two updates of `$SYS`; 0: there is no `$SYS`. */
  readonly sysIntervalMs: number;
  /** What the configuration asks for and does not get yet: a line for each, to be logged at the start. */
  readonly warnings: readonly string[];
}

/** What is wrong with a configuration: one line for each fault, ready to be shown. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
