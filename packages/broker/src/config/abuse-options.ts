import { resolve } from 'node:path';
import type { ConfigDraft } from './draft.js';
import { isNetwork } from './networks.js';
import { broker, type Option } from './option.js';
import { integer, limit, type OptionType, path, sizeLimit } from './option-types.js';

const MAXIMUM_INTEGER = 2_147_483_647;

/** What is done about clients who guess passwords, come too often, or are not wanted. */
export interface AbuseConfig {
  /** Failures after which an address has to wait; `Infinity`: none ever has to. */
  readonly addressFailures: number;
  /** The same for a user name, at addresses from which it has never been admitted. */
  readonly userFailures: number;
  /** The first wait; each further failure doubles it, up to the second. */
  readonly lockoutMs: number;
  readonly maxLockoutMs: number;
  /** Connections that one address may open in a second; `Infinity`: any number. */
  readonly connectRate: number;
  /** Addresses and networks for which none of this holds; they can be banned nevertheless. */
  readonly exempt: readonly string[];
  /** An absolute path; null: bans do not outlive the process. */
  readonly bansFile: string | null;
}

export interface AbuseDraft {
  addressFailures: number;
  userFailures: number;
  lockoutMs: number;
  maxLockoutMs: number;
  connectRate: number;
  /** Null: nothing was said. */
  exempt: string[] | null;
  bansFile: string | null;
}

export function newAbuseDraft(): AbuseDraft {
  return {
    addressFailures: 20,
    userFailures: 100,
    lockoutMs: 10_000,
    maxLockoutMs: 900_000,
    connectRate: Number.POSITIVE_INFINITY,
    exempt: null,
    bansFile: null,
  };
}

/** Programs of this machine, and proxies on it that do not tell who is behind them. */
const THIS_MACHINE = ['127.0.0.0/8', '::1'];

export function abuseOf({ abuse, isPersistent, persistence }: ConfigDraft): AbuseConfig {
  const { bansFile, exempt, ...rest } = abuse;
  const beside = isPersistent ? resolve(persistence.folder, 'bans.json') : null;
  return { ...rest, exempt: exempt ?? THIS_MACHINE, bansFile: bansFile === null ? beside : resolve(bansFile) };
}

const NETWORKS: OptionType<string[]> = {
  kind: 'list',
  unit: '',
  range: 'addresses and networks, or none',
  expects: 'addresses and networks such as 192.168.0.0/16 or fd00::/8, or none',
  example: '127.0.0.0/8 ::1',
  read(value) {
    if (value === 'none') return [];
    const networks = value.split(/[\s,]+/).filter((word) => word !== '');
    return networks.length > 0 && networks.every(isNetwork) ? networks : undefined;
  },
};

/** Against those who guess, and those who flood. */
export const abuseOptions: readonly Option[] = [
  broker('auth_lockout_failures', limit(-1, 1, MAXIMUM_INTEGER, 'failures'), {
    isOwn: true,
    default: '20',
    doc: 'Failed logins after which an address (of IPv6, its network of 64 bits) has to wait, and longer after each further one. -1: never.',
    set: ({ abuse }, count) => {
      abuse.addressFailures = count;
    },
  }),
  broker('auth_lockout_user_failures', limit(-1, 1, MAXIMUM_INTEGER, 'failures'), {
    isOwn: true,
    default: '100',
    doc: 'The same for a user name, from whatever addresses; it has to wait only at those from which it was not admitted before. -1: never.',
    set: ({ abuse }, count) => {
      abuse.userFailures = count;
    },
  }),
  broker('auth_lockout_seconds', integer(1, 86_400, 'seconds'), {
    isOwn: true,
    default: '10',
    doc: 'The first wait; each further failure doubles it.',
    set: ({ abuse }, seconds) => {
      abuse.lockoutMs = seconds * 1000;
    },
  }),
  broker('auth_lockout_max_seconds', integer(1, 604_800, 'seconds'), {
    isOwn: true,
    default: '900',
    doc: 'The longest wait, and how long failures are remembered after the last one.',
    set: ({ abuse }, seconds) => {
      abuse.maxLockoutMs = seconds * 1000;
    },
  }),
  broker('max_connect_rate', limit(-1, 1, MAXIMUM_INTEGER, 'connections per second'), {
    isOwn: true,
    default: '-1',
    doc: 'Connections that one address (of IPv6, its network of 64 bits) may open in a second, and ten times as many in one go; more are ended at once.',
    set: ({ abuse }, rate) => {
      abuse.connectRate = rate;
    },
  }),
  broker('abuse_exempt', NETWORKS, {
    isOwn: true,
    default: '127.0.0.0/8 ::1',
    doc: 'Addresses and networks that never have to wait for failures and may connect as often as they like, such as a proxy behind which many are.',
    set: ({ abuse }, networks) => {
      abuse.exempt = networks;
    },
  }),
  broker('bans_file', path('/var/lib/cauldron/bans.json'), {
    isOwn: true,
    default: 'bans.json in persistence_location; without persistence, none',
    doc: 'Where `cauldron ban` keeps its list. It is read at the start, and again with each reload.',
    set: ({ abuse }, file) => {
      abuse.bansFile = file;
    },
  }),
  broker('max_publish_rate', limit(-1, 1, MAXIMUM_INTEGER, 'messages per second'), {
    isOwn: true,
    default: '-1',
    doc: 'Messages that one client may publish in a second. Beyond it, the client is not read until it may go on; nothing is lost.',
    set: ({ settings }, rate) => {
      settings.maxPublishRate = rate;
    },
  }),
  broker('max_publish_bytes_rate', sizeLimit, {
    isOwn: true,
    default: '0',
    doc: 'The same in bytes of PUBLISH packets, such as 100K; 0: no limit. A larger message is taken and paid for afterwards.',
    set: ({ settings }, rate) => {
      settings.maxPublishBytesRate = rate;
    },
  }),
];
