import {
  type Client,
  ConnectionFailed,
  ConnectionLost,
  ConnectionRefused,
  connect,
  PublishRefused,
  ReasonCode,
} from '@cauldron/client';
import type { SetupUser } from './users.js';

/** One connection each: what ends it is what is looked at. */
const TRIAL = { connectTimeoutMs: 10_000, reconnect: false };
const MESSAGE_TIMEOUT_MS = 10_000;
/** A level that no device is called. */
const TRIAL_LEVEL = 'setup-trial';
const FIRST = 'first';
const LAST = 'last';

/** A broker that runs, as its clients will see it. */
export interface TrialTarget {
  /** Names and addresses of this machine that are in the certificate. */
  readonly hosts: readonly string[];
  readonly tlsPort: number;
  /** The CA's certificate, in PEM. */
  readonly ca: string;
  /** With TLS, for clients with certificates; null: there is no such port. */
  readonly certificatePort: number | null;
  /** Those whose passwords are known. */
  readonly users: readonly TrialUser[];
}

export interface TrialUser {
  readonly name: string;
  readonly password: string;
  /** Null: who knows; then it is not tried. */
  readonly sees: SetupUser['sees'] | null;
}

/** One thing that was tried. */
export interface Finding {
  /** A sentence that says what should be so. */
  readonly claim: string;
  /** Null: it is so. */
  readonly problem: string | null;
}

/**
 * Connects to a broker as its clients will, and tries what they may do and what they may not. Nothing is left behind: no
 * message is retained. Findings come one by one.
 */
export async function* trial(target: TrialTarget): AsyncGenerator<Finding> {
  const { hosts, users, tlsPort } = target;
  for (const host of hosts) {
    yield await tried(`${place(host, tlsPort)} shows a certificate that is for ${host}`, () => isReached(target, host));
  }
  yield await tried('Who does not know the CA does not trust the broker', () => isNotTrusted(target));
  yield await tried('Who gives no user name is refused', () => isRefused(target));
  for (const { name } of users) {
    const other = 'not the password';
    yield await tried(`${name} is refused with a wrong password`, () => isRefused(target, name, other));
  }
  const { certificatePort } = target;
  if (certificatePort !== null) {
    const claim = `Who has no certificate is refused on port ${certificatePort}`;
    yield await tried(claim, () => isKeptOut(target, certificatePort));
  }
  yield* rights(target);
}

async function tried(claim: string, act: () => Promise<string | null>): Promise<Finding> {
  try {
    return { claim, problem: await act() };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { claim, problem: error.message };
  }
}

function place(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function open({ hosts, tlsPort, ca }: TrialTarget, who: Credentials, host = hosts[0]): Promise<Client> {
  return connect(`mqtts://${place(host, tlsPort)}`, { ...who, ...TRIAL, tls: { ca } });
}

interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

/** The handshake comes before the question who it is: an answer, whatever it says, means that TLS is well. */
async function isReached(target: TrialTarget, host: string): Promise<string | null> {
  try {
    const client = await open(target, {}, host);
    await client.disconnect();
    return 'anybody gets in without a user name';
  } catch (error) {
    if (error instanceof ConnectionRefused) return null;
    throw error;
  }
}

async function isNotTrusted({ hosts, tlsPort }: TrialTarget): Promise<string | null> {
  try {
    const client = await connect(`mqtts://${place(hosts[0], tlsPort)}`, TRIAL);
    await client.disconnect();
  } catch (error) {
    if (error instanceof ConnectionRefused) return 'its certificate was issued by a CA that is trusted anyway';
    if (error instanceof ConnectionFailed && /was not issued by a CA|its own issuer/.test(error.message)) return null;
    throw error;
  }
  return 'it got in';
}

async function isRefused(target: TrialTarget, username?: string, password?: string): Promise<string | null> {
  try {
    const who = username === undefined || password === undefined ? {} : { username, password };
    await (await open(target, who)).disconnect();
    return 'it got in';
  } catch (error) {
    if (!(error instanceof ConnectionRefused)) throw error;
    const { BAD_USER_NAME_OR_PASSWORD, NOT_AUTHORIZED } = ReasonCode;
    const isWanted = error.reasonCode === BAD_USER_NAME_OR_PASSWORD || error.reasonCode === NOT_AUTHORIZED;
    return isWanted ? null : `it was refused for another reason: ${error.reason}`;
  }
}

/** How the end of the handshake shows depends on the version of TLS, and on which packet comes first. */
async function isKeptOut({ hosts, ca }: TrialTarget, port: number): Promise<string | null> {
  try {
    const client = await connect(`mqtts://${place(hosts[0], port)}`, { ...TRIAL, tls: { ca } });
    await client.disconnect();
    return 'it got in';
  } catch (error) {
    const { cause } =
      error instanceof ConnectionFailed || error instanceof ConnectionLost ? error : { cause: undefined };
    if (!(cause instanceof Error) || !('code' in cause) || cause.code === 'ECONNREFUSED') throw error;
    return null;
  }
}

interface Participant {
  readonly user: SetupUser;
  readonly client: Client;
  /** Whose messages have come, with which of the two. */
  readonly seen: Set<string>;
}

async function* rights(target: TrialTarget): AsyncGenerator<Finding> {
  const participants: Participant[] = [];
  const news = new News();
  try {
    for (const user of target.users) {
      const { name, password } = user;
      yield await tried(`${name} gets in with the password`, async () => {
        const client = await open(target, { username: name, password });
        const seen = new Set<string>();
        if (user.sees === null) {
          await client.disconnect();
          return null;
        }
        participants.push({ user: { ...user, sees: user.sees }, client, seen });
        await client.subscribe(`owntracks/+/${TRIAL_LEVEL}`, { qos: 1 }, ({ topic, payload }) => {
          seen.add(`${topic.split('/')[1]} ${new TextDecoder().decode(payload)}`);
          news.tell();
        });
        return null;
      });
    }
    const publishers = participants.filter(({ user }) => user.sees !== 'everybody');
    // Two rounds: who has the last message of those it sees has all the first ones that it will ever get.
    for (const round of [FIRST, LAST]) {
      for (const { user, client } of publishers) {
        const finding = await tried(`${user.name} may publish below owntracks/${user.name}`, async () => {
          await client.publish(`owntracks/${user.name}/${TRIAL_LEVEL}`, round, { qos: 1 });
          return null;
        });
        if (round === FIRST) yield finding;
      }
    }
    for (const { user, client } of participants) {
      const other = target.users.find(({ name }) => name !== user.name)?.name ?? 'somebody-else';
      yield await tried(`${user.name} may not publish below owntracks/${other}`, () => isForbidden(client, other));
    }
    for (const participant of participants) {
      const names = publishers.map(({ user }) => user.name);
      const expected = names.filter((name) => isSeenBy(participant.user, name));
      const whom = expected.length === 0 ? 'nobody' : expected.join(', ');
      yield await tried(`${participant.user.name} sees ${whom} and nobody else`, async () => {
        await news.until(() => expected.every((name) => participant.seen.has(`${name} ${LAST}`)));
        const seen = names.filter((name) => participant.seen.has(`${name} ${FIRST}`));
        return seen.join() === expected.join() ? null : `seen: ${seen.join(', ') || 'nobody'}`;
      });
    }
  } finally {
    await Promise.allSettled(participants.map(({ client }) => client.disconnect()));
  }
}

function isSeenBy({ name: viewer, sees }: SetupUser, name: string): boolean {
  return sees === 'everybody' || name === viewer || sees.includes(name);
}

async function isForbidden(client: Client, user: string): Promise<string | null> {
  try {
    await client.publish(`owntracks/${user}/${TRIAL_LEVEL}`, 'forged', { qos: 1 });
    return 'the broker took the message';
  } catch (error) {
    if (!(error instanceof PublishRefused)) throw error;
    return error.reasonCode === ReasonCode.NOT_AUTHORIZED ? null : error.message;
  }
}

/** Wakes who waits for messages. */
class News {
  #wake: (() => void)[] = [];

  tell(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  /** @throws (rejects) Error: it has not become so in time */
  async until(isSo: () => boolean): Promise<void> {
    const isLate = AbortSignal.timeout(MESSAGE_TIMEOUT_MS);
    isLate.addEventListener('abort', () => this.tell());
    while (!isSo()) {
      if (isLate.aborted) throw new Error('messages that should have come did not');
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }
}
