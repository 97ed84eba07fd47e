import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { endWith, type Report, timed } from './finding.js';
import { isLoopback, type Target } from './target.js';
import { openSocket } from './way.js';

/** Where the broker can be reached. */
export interface Reached {
  /** Null for a Unix socket. */
  readonly address: string | null;
  /** For opening the connection. */
  readonly timeMs: number;
}

interface Attempt {
  readonly address: string;
  readonly timeMs: number;
  /** Null: it takes connections. */
  readonly problem: NodeJS.ErrnoException | null;
}

/** This machine has no way to addresses of this kind. */
const NO_WAY = ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'];
const REFUSALS = ['ECONNREFUSED', 'ECONNRESET'];

/** All addresses of a name. @throws (rejects) the system's error */
export type Lookup = (host: string) => Promise<{ readonly address: string; readonly family: number }[]>;

const lookupInDns: Lookup = (host) => lookup(host, { all: true });

/**
 * Asks for the addresses of the host, and tries each.
 * @throws (rejects) ExaminationEnded: it cannot be reached
 */
export async function checkAddress(target: Target, report: Report, lookUp = lookupInDns): Promise<Reached> {
  if (target.path !== null) return checkUnixSocket(target, target.path, report);
  const addresses = await addressesOf(target, report, lookUp);
  const attempts = await Promise.all(addresses.map((address) => tryAddress(target, address)));
  const first = attempts.find(({ problem }) => problem === null);
  const { port } = target;
  for (const { address, timeMs, problem } of attempts) {
    const place = isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
    const about = { area: 'address', check: 'tcp', timeMs, data: { address, port } } as const;
    if (problem === null) report({ ...about, mark: 'ok', text: `${place} takes connections` });
    else if (first === undefined) {
      const advice = adviceOn(problem, target);
      if (address === addresses.at(-1)) endWith(report, { ...about, text: `${place}: ${wordsOf(problem)}`, advice });
      report({ ...about, mark: 'failure', text: `${place}: ${wordsOf(problem)}`, advice });
    } else if (isLoopback(address)) report({ ...about, mark: 'note', text: `${place}: ${wordsOf(problem)}` });
    else if (NO_WAY.includes(problem.code ?? '')) {
      const kind = isIP(address) === 6 ? 'IPv6' : 'IPv4';
      report({ ...about, mark: 'note', text: `${place} was not tried: this machine has no ${kind}` });
    } else {
      report({
        ...about,
        mark: 'warning',
        text: `${place}: ${wordsOf(problem)}`,
        advice:
          'Clients that try this address first wait, or fail. Let the broker listen there, or take it out of the DNS.',
      });
    }
  }
  if (first === undefined) throw new Error('A host without addresses has been reported');
  return { address: first.address, timeMs: first.timeMs };
}

async function checkUnixSocket(target: Target, path: string, report: Report): Promise<Reached> {
  const about = { area: 'address', check: 'unix' } as const;
  try {
    const { result, timeMs } = await timed(() => openSocket(target, null));
    result.destroy();
    report({ ...about, mark: 'ok', text: `${path} takes connections`, timeMs });
    return { address: null, timeMs };
  } catch (error) {
    return endWith(report, {
      ...about,
      text: `${path}: ${(error as Error).message}`,
      advice: 'Is the broker running, and may this user open its socket?',
    });
  }
}

async function addressesOf({ host, timeoutMs }: Target, report: Report, lookUp: Lookup): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const about = { area: 'address', check: 'dns' } as const;
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs).unref();
  });
  try {
    const { result, timeMs } = await timed(() => Promise.race([lookUp(host), late]));
    const addresses = [...new Set(result.map(({ address }) => address))];
    const versions = new Set(result.map(({ family }) => `IPv${family}`));
    report({
      ...about,
      mark: 'ok',
      text: `${host} has ${addresses.length === 1 ? '1 address' : `${addresses.length} addresses`}: ${addresses.join(', ')}${versions.size > 1 ? '' : ` (${[...versions].join()} only)`}`,
      timeMs,
      data: { host, addresses },
    });
    return addresses;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isUnknown = code === 'ENOTFOUND' || code === 'ENODATA';
    return endWith(report, {
      ...about,
      text: isUnknown ? `The name ${host} is not known` : `${host} could not be looked up: ${message}`,
      advice: isUnknown
        ? 'Is it spelt as it should be? If the name is new, the DNS may need some hours.'
        : 'Does this machine reach a DNS server? See /etc/resolv.conf.',
      data: { host, code },
    });
  }
}

async function tryAddress(target: Target, address: string): Promise<Attempt> {
  const startedMs = performance.now();
  let problem: NodeJS.ErrnoException | null = null;
  try {
    const socket = await openSocket(target, address);
    socket.destroy();
  } catch (error) {
    problem = error as NodeJS.ErrnoException;
  }
  return { address, timeMs: performance.now() - startedMs, problem };
}

function wordsOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to it (unreachable)';
    case 'ETIMEDOUT':
      return 'no answer';
    default:
      return message;
  }
}

function adviceOn({ code = '' }: NodeJS.ErrnoException, { host, port }: Target): string {
  if (REFUSALS.includes(code)) {
    return isLoopback(host)
      ? 'Is the broker running, and on this port? `cauldron status` shows the brokers of this machine.'
      : `Is the broker running, and does it listen on port ${port} for other machines than its own?`;
  }
  if (NO_WAY.includes(code) || code === 'EHOSTUNREACH') return 'Is this machine on the network, and the address right?';
  return `A firewall, or a router that forwards no port ${port}, looks like this. Is the machine on?`;
}
