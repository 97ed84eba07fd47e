import { hostname } from 'node:os';
import type { BridgeConfig, BridgeTls } from './bridge-config.js';
import { type Origin, shownOrigin } from './parse.js';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is worked out from several lines, or has no value until it is said. */
type WorkedOut = 'remoteClientId' | 'localClientId' | 'isLocalCleanSession' | 'notifications' | 'tls';

/** A bridge while its options are read. */
export interface BridgeDraft extends Writable<Omit<BridgeConfig, WorkedOut>> {
  remoteClientId: string | null;
  localClientId: string | null;
  isLocalCleanSession: boolean | null;
  notifies: boolean;
  notifiesLocalOnly: boolean;
  notificationTopic: string | null;
  readonly tls: Writable<Omit<BridgeTls, 'psk'>> & { pskIdentity: string | null; psk: string | null };
  /** Where each of its options stands. */
  readonly origins: Map<string, Origin>;
}

export function newBridgeDraft(name: string, origin: Origin): BridgeDraft {
  return {
    origin,
    name,
    addresses: [],
    isRoundRobin: false,
    bindAddress: null,
    startType: 'automatic',
    idleTimeoutMs: 60_000,
    threshold: 10,
    restart: { kind: 'jitter', baseMs: 5000, capMs: 30_000, stableMs: 0 },
    reload: 'lazy',
    topics: [],
    protocolVersion: 4,
    keepAliveS: 60,
    remoteClientId: null,
    remoteUserName: null,
    remotePassword: null,
    isCleanSession: false,
    localClientId: null,
    localUserName: null,
    localPassword: null,
    isLocalCleanSession: null,
    triesPrivate: true,
    unsubscribesOutTopics: true,
    keepsRetainOutgoing: true,
    notifies: true,
    notifiesLocalOnly: false,
    notificationTopic: null,
    receiveMaximum: null,
    maxTopicAliases: 10,
    sessionExpiryS: 0,
    maximumPacketSize: Number.POSITIVE_INFINITY,
    tcpKeepAlive: null,
    tcpUserTimeoutMs: null,
    tls: {
      caFile: null,
      caPath: null,
      usesSystemCas: false,
      certFile: null,
      keyFile: null,
      pskIdentity: null,
      psk: null,
      alpn: null,
      minVersion: 'TLSv1.2',
      ciphers: null,
      ciphersOfTls13: null,
      isInsecure: false,
      requiresOcsp: false,
    },
    origins: new Map(),
  };
}

/** What can be judged only when all lines of all bridges are known: one line for each fault. */
export function bridgeProblems(drafts: readonly BridgeDraft[]): string[] {
  const problems = drafts.flatMap((draft) => problemsOf(draft));
  const byLocalId = new Map<string, BridgeDraft>();
  for (const draft of drafts) {
    const id = localIdOf(draft);
    const other = byLocalId.get(id);
    if (other === undefined) byLocalId.set(id, draft);
    else {
      const where = draft.origins.get('local_clientid') ?? draft.origin;
      const text = `the bridges '${other.name}' and '${draft.name}' have the same local_clientid '${id}'. Give one of them another.`;
      problems.push(`${shownOrigin(where)}: ${text}`);
    }
  }
  return problems;
}

function problemsOf({ name, origin, origins, addresses, topics, tls }: BridgeDraft): string[] {
  const problems: string[] = [];
  const say = (option: string, text: string): void => {
    problems.push(`${shownOrigin(origins.get(option) ?? origin)}: ${text}`);
  };
  if (addresses.length === 0 && !origins.has('address')) {
    say('connection', `the bridge '${name}' has no address: 'address broker.example.org:1883'.`);
  }
  if (topics.length === 0 && !origins.has('topic')) {
    say('connection', `the bridge '${name}' has no topic: 'topic # both 1' exchanges everything.`);
  }
  if (tls.pskIdentity !== null && tls.psk === null)
    say('bridge_identity', 'bridge_identity needs bridge_psk, its key.');
  if (tls.psk !== null && tls.pskIdentity === null) say('bridge_psk', 'bridge_psk needs bridge_identity, its name.');
  if (tls.certFile !== null && tls.keyFile === null) {
    say('bridge_certfile', 'bridge_certfile needs bridge_keyfile, its private key.');
  }
  if (tls.keyFile !== null && tls.certFile === null) {
    say('bridge_keyfile', 'bridge_keyfile needs bridge_certfile, its certificate.');
  }
  if (tls.psk !== null && hasCertificates(tls)) {
    say('bridge_psk', `the bridge '${name}' can have either a pre-shared key or certificates. Remove one of them.`);
  }
  return problems;
}

function hasCertificates({ caFile, caPath, certFile, keyFile, usesSystemCas }: BridgeDraft['tls']): boolean {
  return usesSystemCas || [caFile, caPath, certFile, keyFile].some((path) => path !== null);
}

function remoteIdOf({ remoteClientId, name }: BridgeDraft): string {
  return remoteClientId ?? `${hostname()}.${name}`;
}

function localIdOf(draft: BridgeDraft): string {
  return draft.localClientId ?? `local.${remoteIdOf(draft)}`;
}

/** For a draft without problems. */
export function finishBridge(draft: BridgeDraft): BridgeConfig {
  const { tls, notifies, notifiesLocalOnly, notificationTopic, origins: _, ...said } = draft;
  const { pskIdentity, psk, ...files } = tls;
  const remoteClientId = remoteIdOf(draft);
  const topic = notificationTopic ?? `$SYS/broker/connection/${remoteClientId}/state`;
  return {
    ...said,
    remoteClientId,
    localClientId: localIdOf(draft),
    isLocalCleanSession: draft.isLocalCleanSession ?? draft.isCleanSession,
    notifications: notifies ? { topic, isLocalOnly: notifiesLocalOnly } : null,
    tls:
      psk === null && !hasCertificates(tls)
        ? null
        : { ...files, psk: psk === null || pskIdentity === null ? null : { identity: pskIdentity, key: psk } },
  };
}
