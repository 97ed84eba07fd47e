import { fileURLToPath } from 'node:url';
import { type Client, type ConnectOptions, connect, Session } from '@cauldron/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCauldron } from '../../support/broker-process.js';
import { RunningProgram } from '../../support/running-program.js';
import { Inbox } from '../inbox.js';

const MORTAL_CLIENT = fileURLToPath(new URL('mortal-client.js', import.meta.url));
const QOS = [0, 1, 2] as const;

/** Enough that acknowledgements and messages cross each other. */
const TEXTS = Array.from({ length: 50 }, (_, i) => `text ${i} – grüße`);

type Version = 3 | 4 | 5;

/** As the tools call them. */
const NAMES = { 3: '31', 4: '311', 5: '5' } as const;

/** A broker on a free port of 127.0.0.1. */
export interface StartedBroker {
  readonly port: number;
  /** What a client has to say to be let in. */
  readonly credentials: Pick<ConnectOptions, 'username' | 'password'>;
  stop(): Promise<void>;
}

/** A broker that our clients talk to. */
export interface Subject {
  readonly versions: readonly Version[];
  /** Those in which our tools, which use the client, talk to it. */
  readonly toolVersions: readonly Version[];
  /** In which QoS its queue for an absent client is to be relied on. */
  readonly queuedQos: readonly (1 | 2)[];
  readonly start: () => Promise<StartedBroker>;
}

function cases<T>(versions: readonly Version[], values: readonly T[]): (readonly [Version, T])[] {
  return versions.flatMap((version) => values.map((value) => [version, value] as const));
}

/** What our client library and our tools do with any broker. */
export function describeOwnClients(subject: Subject): void {
  let broker: StartedBroker;

  beforeAll(async () => {
    broker = await subject.start();
  });

  afterAll(() => broker.stop());

  describe('serves our client', () => {
    const clients: Client[] = [];

    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.disconnect()));
    });

    const url = () => `mqtt://127.0.0.1:${broker.port}`;

    async function open(protocolVersion: Version, options: ConnectOptions = {}): Promise<Client> {
      const client = await connect(url(), { protocolVersion, reconnect: false, ...broker.credentials, ...options });
      clients.push(client);
      return client;
    }

    it.each(cases(subject.versions, QOS))(
      'messages go both ways, in order (version %i, QoS %i)',
      async (version, qos) => {
        const [publisher, subscriber] = [await open(version), await open(version)];
        const inbox = new Inbox();
        const topic = `client/${version}/${qos}/ü`;
        const granted = await subscriber.subscribe(`client/${version}/${qos}/#`, { qos }, inbox.take);
        expect(granted.reasonCodes).toEqual([qos]);
        await Promise.all(TEXTS.map((text) => publisher.publish(topic, text, { qos })));
        for (const text of TEXTS) expect(await inbox.next()).toEqual({ topic, text, qos, retain: false });
        await subscriber.unsubscribe(`client/${version}/${qos}/#`);
        await subscriber.subscribe('client/end', { qos }, inbox.take);
        await publisher.publish(topic, 'nobody gets it', { qos });
        await publisher.publish('client/end', '', { qos });
        expect(await inbox.next()).toEqual({ topic: 'client/end', text: '', qos, retain: false });
      },
    );

    it.each(subject.versions)(
      'a retained message waits for subscribers, until it is cleared (version %i)',
      async (version) => {
        const publisher = await open(version);
        const topic = `client/${version}/retained`;
        for (const text of ['old', 'new']) await publisher.publish(topic, text, { qos: 1, retain: true });
        const [late, afterwards] = [new Inbox(), new Inbox()];
        await (await open(version)).subscribe(topic, { qos: 1 }, late.take);
        expect(await late.next()).toEqual({ topic, text: 'new', qos: 1, retain: true });
        await publisher.publish(topic, '', { qos: 1, retain: true });
        await (await open(version)).subscribe(topic, { qos: 1 }, afterwards.take);
        await publisher.publish(topic, 'live', { qos: 1 });
        expect(await afterwards.next()).toEqual({ topic, text: 'live', qos: 1, retain: false });
      },
    );

    it.each(subject.versions)('the will of a program that is killed is published (version %i)', async (version) => {
      const watching = new Inbox();
      const topic = `client/${version}/will`;
      await (await open(version)).subscribe(topic, { qos: 2 }, watching.take);
      const will = { topic, payload: 'gone', qos: 2 };
      const options = { url: url(), protocolVersion: version, ...broker.credentials, will };
      const mortal = new RunningProgram(process.execPath, [MORTAL_CLIENT, JSON.stringify(options)]);
      await mortal.shows('connected\n');
      await mortal.stop('SIGKILL');
      expect(await watching.next()).toEqual({ topic, text: 'gone', qos: 2, retain: false });
    });

    it.each(cases(subject.versions, subject.queuedQos))(
      'a kept session gets what came while it was away (version %i, QoS %i)',
      async (version, qos) => {
        const topic = `client/${version}/kept/${qos}`;
        const kept = { clientId: `kept-${version}-${qos}`, clean: false, session: new Session() };
        const before = await open(version, kept);
        await before.subscribe(topic, { qos });
        await before.disconnect();
        const publisher = await open(version);
        for (const text of TEXTS) await publisher.publish(topic, text, { qos });
        const inbox = new Inbox();
        const again = await open(version, { ...kept, onMessage: inbox.take });
        expect(again.connack.sessionPresent).toBe(version > 3); // 3.1 does not say
        for (const text of TEXTS) expect(await inbox.next()).toEqual({ topic, text, qos, retain: false });
      },
    );

    it.each(subject.versions)('a second client with the same id takes over (version %i)', async (version) => {
      const [first] = [await open(version, { clientId: 'twin' }), await open(version, { clientId: 'twin' })];
      expect(await first.closed).toBeInstanceOf(Error);
    });
  });

  describe.concurrent('serves cauldron pub and sub', () => {
    const versions = subject.toolVersions;

    function run(tool: 'pub' | 'sub', version: Version, argv: readonly string[], input?: string): RunningProgram {
      const { username, password } = broker.credentials;
      const user = username === undefined ? [] : ['-u', username, '-P', String(password)];
      const server = ['-h', '127.0.0.1', '-p', String(broker.port), '-V', NAMES[version], ...user];
      return runCauldron([tool, ...server, ...argv], input);
    }

    async function publish(version: Version, argv: readonly string[], input = ''): Promise<void> {
      expect(await run('pub', version, argv, input).ended).toMatchObject({ exitCode: 0, stderr: '' });
    }

    /** The tool, when the broker has answered its subscription: `-d` shows that, and QoS and flags of each message. */
    async function subscribe(version: Version, ...argv: readonly string[]): Promise<RunningProgram> {
      const program = run('sub', version, ['-d', ...argv]);
      await program.shows('Subscribed');
      return program;
    }

    /** Each message that it got until it ended, as `QoS retain text`. */
    async function received(program: RunningProgram): Promise<string[]> {
      const { stdout } = await program.ended;
      const messages: string[] = [];
      let [qos, retain] = ['', ''];
      for (const line of stdout.toString().split('\n')) {
        const packet = /^Client .* received PUBLISH \(d[01], q(\d), r(\d),/.exec(line);
        if (packet !== null) [, qos, retain] = packet;
        else if (line !== '' && !/^(Client|Subscribed) /.test(line)) messages.push(`${qos} ${retain} ${line}`);
      }
      return messages;
    }

    it.each(versions)('messages of each QoS go both ways, in order (version %i)', async (version) => {
      const topic = `tools/${version}/qos`;
      const subscriber = await subscribe(version, '-t', topic, '-q', '2', '-C', String(QOS.length * TEXTS.length));
      const lines = TEXTS.map((text) => `${text}\n`).join('');
      for (const qos of QOS) await publish(version, ['-t', topic, '-q', String(qos), '-l'], lines);
      expect(await received(subscriber)).toEqual(QOS.flatMap((qos) => TEXTS.map((text) => `${qos} 0 ${text}`)));
    });

    it.each(versions)('a retained message waits for subscribers, until it is cleared (version %i)', async (version) => {
      const argv = ['-t', `tools/${version}/retained`, '-q', '1'];
      await publish(version, [...argv, '-r', '-m', 'kept']);
      expect(await received(await subscribe(version, ...argv, '-C', '1'))).toEqual(['1 1 kept']);
      await publish(version, [...argv, '-r', '-n']);
      const afterwards = await subscribe(version, ...argv, '-C', '1');
      await publish(version, [...argv, '-m', 'live']);
      expect(await received(afterwards)).toEqual(['1 0 live']);
    });

    it.each(versions)('the will of a tool that is killed is published (version %i)', async (version) => {
      const topic = `tools/${version}/will`;
      const watcher = await subscribe(version, '-t', topic, '-q', '1', '-C', '1');
      const will = ['--will-topic', topic, '--will-payload', 'gone', '--will-qos', '1'];
      await (await subscribe(version, '-t', 'tools/nothing', ...will)).stop('SIGKILL');
      expect(await received(watcher)).toEqual(['1 0 gone']);
    });

    it.each(versions)('a kept session gets what came while it was away (version %i)', async (version) => {
      const topic = `tools/${version}/kept`;
      const session = ['-t', topic, '-q', '2', '-c', '-i', `tools-kept-${version}`];
      await (await subscribe(version, ...session, '-E')).ended;
      const expected: string[] = [];
      for (const qos of subject.queuedQos) {
        await publish(version, ['-t', topic, '-q', String(qos), '-l'], 'one\ntwo\nthree\n');
        expected.push(...['one', 'two', 'three'].map((text) => `${qos} 0 ${text}`));
      }
      const again = run('sub', version, ['-d', ...session, '-C', String(expected.length)]);
      expect(await received(again)).toEqual(expected);
    });

    it.each(versions)('a second tool with the same id takes over (version %i)', async (version) => {
      const argv = ['-t', `tools/${version}/twin`, '-i', `tools-twin-${version}`];
      const first = await subscribe(version, ...argv);
      const second = await subscribe(version, ...argv, '-C', '1');
      const [said] = await first.showsMatch(/^Error: The server disconnected: Session taken over|Connecting again\.$/m);
      if (!said.startsWith('Error')) {
        // Before 5.0, or when the broker does not say why, the first one connects again, as Mosquitto's program does.
        await Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')]);
        return;
      }
      expect((await first.ended).exitCode).toBe(7);
      await publish(version, ['-t', `tools/${version}/twin`, '-m', 'for the second']);
      expect(await received(second)).toEqual(['0 0 for the second']);
    });
  });
}
