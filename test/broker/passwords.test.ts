import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type AccessPorts, type EnhancedAuthenticator, readConfig, type Server, startServer } from '@cauldron/broker';
import { encodePasswordHash, type HashKind, hashPassword } from '@cauldron/broker/passwords';
import {
  AuthenticationFailed,
  Client,
  ConnectionRefused,
  type ConnectOptions,
  connect,
  ServerDisconnected,
  scramSha256,
} from '@cauldron/client';
import { ConnectReturnCode, encodePacket, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EventLoopPauses } from '../support/event-loop-pauses.js';

/** `PASSWORD` of each user, hashed in this way. */
type Users = Readonly<Record<string, readonly [password: string, kind: HashKind]>>;

async function passwordLine(name: string, password: string, kind: HashKind): Promise<string> {
  return `${name}:${encodePasswordHash(await hashPassword(Buffer.from(password), { kind }))}\n`;
}

class Subject {
  readonly folder = mkdtempSync(join(tmpdir(), 'cauldron-passwords-'));
  #server: Server | null = null;

  /** With a password file of these users, and nobody else let in. It stops with the test. */
  static async start(users: Users, ports: AccessPorts = {}): Promise<Subject> {
    const subject = new Subject();
    onTestFinished(() => subject.#stop());
    await subject.#start(users, ports);
    return subject;
  }

  async #start(users: Users, ports: AccessPorts): Promise<void> {
    const lines = Object.entries(users).map(([name, [password, kind]]) => passwordLine(name, password, kind));
    const passwords = join(this.folder, 'passwords');
    writeFileSync(passwords, (await Promise.all(lines)).join(''), { mode: 0o600 });
    const text = ['listener 0 127.0.0.1', `password_file ${passwords}`, `log_dest file ${join(this.folder, 'log')}`];
    this.#server = await startServer(readConfig(text.join('\n'), join(this.folder, 'test.conf')), ports);
  }

  get port(): number {
    return this.#server?.endpoints[0].port ?? 0;
  }

  get log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  async connect(options: ConnectOptions): Promise<Client> {
    return await connect(`mqtt://127.0.0.1:${this.port}`, { reconnect: false, ...options });
  }

  /** Why a client is not let in. */
  async refusalOf(options: ConnectOptions): Promise<unknown> {
    return await this.connect(options).then(
      () => 'let in',
      (error: unknown) => error,
    );
  }

  async #stop(): Promise<void> {
    await this.#server?.stop();
    rmSync(this.folder, { recursive: true });
  }
}

const scram = (username: string, password: string): ConnectOptions => ({
  authentication: scramSha256({ username, password }),
});

describe('a broker with a password file', () => {
  const users: Users = {
    anna: ["anna's", 'argon2id'],
    bob: ["bob's", 'sha512-pbkdf2'],
    carl: ["carl's", 'sha512'],
    dora: ["dora's", 'scram-sha-256'],
  };

  it('lets in its users with every kind of hash and in every version, and refuses all else alike', async () => {
    const subject = await Subject.start(users);
    for (const protocolVersion of [3, 4, 5] as const) {
      for (const [username, [password]] of Object.entries(users)) {
        expect(await subject.connect({ protocolVersion, username, password })).toBeInstanceOf(Client);
      }
      const refused = [
        { username: 'anna', password: "bob's" },
        { username: 'anna' },
        { username: 'eve', password: "anna's" },
        { username: 'eve' },
      ];
      const refusals = await Promise.all(refused.map((options) => subject.refusalOf({ protocolVersion, ...options })));
      const reasonCode = protocolVersion === 5 ? ReasonCode.NOT_AUTHORIZED : 5;
      for (const refusal of refusals) expect(refusal).toMatchObject({ name: 'ConnectionRefused', reasonCode });
      expect(new Set(refusals.map((refusal) => (refusal as ConnectionRefused).message)).size).toBe(1);
    }
    await expect.poll(() => subject.log).toMatch(/passwords:1: wrong password/);
    await expect.poll(() => subject.log).toMatch(/passwords:1: no password was given/);
    await expect.poll(() => subject.log).toMatch(/no user is called eve/);
    expect(subject.log).not.toContain("anna's");
  });

  it('lets messages flow while 200 clients log in with argon2id: no pause reaches 50 ms', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `user-${index}`);
    const crowd = Object.fromEntries(names.map((name): [string, [string, HashKind]] => [name, [name, 'argon2id']]));
    const subject = await Subject.start({ ...crowd, flow: ['flow', 'sha512'] });
    const pauses: number[] = [];
    // The machine may do something else for a moment; it does not do so each time.
    for (let attempt = 0; attempt < 3 && (pauses.at(-1) ?? 50) >= 50; attempt++) {
      pauses.push(await longestPauseMs(subject, names, attempt));
    }
    expect(Math.min(...pauses)).toBeLessThan(50);
  });
});

/** While all these clients log in, with a wrong password each, and messages go round. */
async function longestPauseMs(subject: Subject, names: readonly string[], attempt: number): Promise<number> {
  let rounds = 0;
  let isOver = false;
  const topic = `flow/${attempt}`;
  const flow: Client = await subject.connect({
    username: 'flow',
    password: 'flow',
  });
  await flow.subscribe(topic, {}, () => {
    rounds++;
    if (!isOver) void flow.publish(topic, 'x', { qos: 0 });
  });
  const connects = names.map((username) => {
    const password = Buffer.from(`wrong ${attempt}`);
    return encodePacket(
      { type: PacketType.CONNECT, clientId: '', clean: true, keepAlive: 0, username, password, protocolVersion: 4 },
      4,
    );
  });
  const pauses = new EventLoopPauses();
  void flow.publish(topic, 'x', { qos: 0 });
  const answers = await answersTo(connects, subject.port);
  const longestMs = pauses.stop();
  isOver = true;
  expect(answers).toEqual(names.map(() => [CONNACK, 2, 0, ConnectReturnCode.NOT_AUTHORIZED]));
  // Each login takes some milliseconds; a round trip takes far less than one.
  expect(rounds).toBeGreaterThan(names.length);
  return longestMs;
}

const CONNACK = PacketType.CONNACK << 4;

/** What a broker says to each of these, at once, asked from another thread: this one is the broker's alone. */
async function answersTo(connects: readonly Uint8Array[], port: number): Promise<unknown> {
  const client = `
    const { connect } = require('node:net');
    const { parentPort, workerData } = require('node:worker_threads');
    const answers = workerData.connects.map((bytes) => new Promise((resolve, reject) => {
      const socket = connect(workerData.port, '127.0.0.1', () => socket.write(bytes));
      const chunks = [];
      socket.on('data', (chunk) => chunks.push(...chunk));
      socket.on('close', () => resolve(chunks));
      socket.on('error', reject);
    }));
    Promise.all(answers).then((all) => parentPort.postMessage(all));
  `;
  const worker = new Worker(client, { eval: true, workerData: { connects, port } });
  const [answers] = await once(worker, 'message');
  return answers;
}

describe('SCRAM-SHA-256 between client and broker', () => {
  it('lets in who knows the password, as the user of the password file, and again', async () => {
    const subject = await Subject.start({ zoë: ['gehe\u00adim', 'scram-sha-256'] });
    const client = await subject.connect({ clientId: 'c1', ...scram('zoe\u0308', 'geheim') });
    await expect.poll(() => subject.log).toMatch(/New client connected from \S+ as c1 \([^)]*u'zoë'\)/);
    await client.reauthenticate();
    await client.reauthenticate();
    await client.publish('still/here', '', { qos: 1 });
  });

  it('refuses a wrong password, unknown names and users with another hash alike', async () => {
    const subject = await Subject.start({ anna: ["anna's", 'scram-sha-256'], bob: ["bob's", 'sha512'] });
    const refusals = await Promise.all([
      subject.refusalOf(scram('anna', 'wrong')),
      subject.refusalOf(scram('eve', "anna's")),
      subject.refusalOf(scram('bob', "bob's")),
    ]);
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ConnectionRefused);
    expect(new Set(refusals.map((refusal) => (refusal as ConnectionRefused).message)).size).toBe(1);
    // Lines are written a moment after what they tell of.
    await expect.poll(() => subject.log).toMatch(/passwords:1: wrong password/);
    await expect.poll(() => subject.log).toMatch(/no user is called eve/);
    await expect.poll(() => subject.log).toMatch(/SCRAM needs a hash of its own/);
  });

  it('ends the connection of a client that becomes somebody else', async () => {
    const subject = await Subject.start({ anna: ["anna's", 'scram-sha-256'], bob: ["bob's", 'scram-sha-256'] });
    let who = 'anna';
    const changing = {
      method: 'SCRAM-SHA-256',
      begin: () => scramSha256({ username: who, password: `${who}'s` }).begin(),
    };
    const client = await subject.connect({ authentication: changing });
    who = 'bob';
    await expect(client.reauthenticate()).rejects.toBeInstanceOf(ServerDisconnected);
  });

  it('is left by a client whose server does not know the password', async () => {
    const impostor: EnhancedAuthenticator = {
      begin: () => ({
        next: (data) => {
          const [, nonce] = /r=(.*)$/.exec(Buffer.from(data ?? []).toString()) ?? [];
          if (nonce.includes(',p=')) {
            return { admitted: true, username: 'anna', rule: 'all', data: Buffer.from(`v=${'A'.repeat(43)}=`) };
          }
          return { challenge: Buffer.from(`r=${nonce}more,s=AAAAAAAAAAAAAAAA,i=4096`) };
        },
      }),
    };
    const subject = await Subject.start({}, { enhancedAuthenticator: impostor });
    expect(await subject.refusalOf(scram('anna', "anna's"))).toBeInstanceOf(AuthenticationFailed);
  });
});
