import { type Client, connect, type Message } from '@cauldron/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { Inbox, type Received } from './inbox.js';

/** 3 is MQTT 3.1, 4 is 3.1.1, 5 is 5.0. */
export type Version = 3 | 4 | 5;

/** What every client is asked for, and how the table in docs/clients.md calls it. */
export const CAPABILITIES = {
  qualityOfService: 'QoS 0, 1, 2',
  retained: 'retained',
  will: 'will',
  keptSession: 'kept session',
  takeOver: 'take-over',
  properties: 'properties (5.0)',
  webSocket: 'WebSocket',
} as const;

export type Capability = keyof typeof CAPABILITIES;

/** The properties of a message that every client with MQTT 5.0 has to send and to show. */
export interface MessageProperties {
  readonly contentType: string;
  readonly responseTopic: string;
  /** Text, though MQTT takes any bytes. */
  readonly correlationData: string;
  readonly userProperties: readonly (readonly [string, string])[];
}

export interface SubjectOptions {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly version: Version;
  /** At most 23 characters, which 3.1 asks for. */
  readonly clientId: string;
  /** False: the broker keeps the session; with 5.0, for an hour at least. */
  readonly clean: boolean;
  readonly transport: 'tcp' | 'ws';
  readonly will?: Received;
}

/** A message that a subject got. */
export interface SubjectMessage extends Received {
  /** Only if it has some. */
  readonly properties?: MessageProperties;
}

/** A connection of a subject, in a process that is its alone, so that it can be killed. */
export interface SubjectClient {
  /** What the broker said about it; undefined if the client does not tell. */
  readonly sessionPresent: boolean | undefined;
  /** Resolves when the broker has subscribed it. */
  subscribe(filter: string, qos: number): Promise<void>;
  /** Resolves when what the QoS promises is fulfilled. */
  publish(message: Received, properties?: MessageProperties): Promise<void>;
  /** The next message that it got, in their order. */
  next(): Promise<SubjectMessage>;
  /** Resolves when it notices that the broker has ended its connection. */
  lost(): Promise<void>;
  /** Leaves as MQTT asks for, and ends its process. */
  disconnect(): Promise<void>;
  /** Ends its process, if it still runs, without a word to the broker. */
  kill(): Promise<void>;
}

/** A client of others: a row of the matrix. */
export interface Subject {
  readonly name: string;
  readonly versions: readonly Version[];
  /** What it cannot do, and why: a short clause. */
  readonly lacks: Readonly<Partial<Record<Capability, string>>>;
  /** Builds its program. Called once, before the first `connect`. */
  prepare?(): Promise<void>;
  /** Resolves when the broker has accepted the connection. */
  connect(options: SubjectOptions): Promise<SubjectClient>;
}

/** As people call them. */
export const VERSION_NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const;

const QOS = [0, 1, 2] as const;

/** Enough that acknowledgements and messages cross each other. */
const TEXTS = ['', ...Array.from({ length: 20 }, (_, i) => `text ${i} – grüße`)];

/** Every client of others is judged by these tests, with our client as its peer; both talk to a broker of the build. */
export function describeSubject(subject: Subject): void {
  let broker: BrokerProcess;
  const peers: Client[] = [];
  const clients: SubjectClient[] = [];

  beforeAll(async () => {
    [broker] = await Promise.all([BrokerProcess.start(), subject.prepare?.()]);
  }, 60_000);

  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.disconnect()));
    await Promise.all(clients.splice(0).map((client) => client.kill()));
  });

  afterAll(async () => {
    await broker.stop();
  });

  describe.each(subject.versions)(`${subject.name}, protocol version %i`, (version) => {
    type Options = Partial<Pick<SubjectOptions, 'clean' | 'transport' | 'will'>>;

    async function open(name: string, options: Options = {}): Promise<SubjectClient> {
      const always = { port: broker.port, version, clientId: `${name}-${version}` };
      const client = await subject.connect({ ...always, clean: true, transport: 'tcp', ...options });
      clients.push(client);
      return client;
    }

    async function openPeer(): Promise<Client> {
      const peer = await connect(`mqtt://127.0.0.1:${broker.port}`, { protocolVersion: version });
      peers.push(peer);
      return peer;
    }

    /** What comes to a peer that has just come. */
    async function watch(filter: string): Promise<Inbox> {
      const inbox = new Inbox();
      await (await openPeer()).subscribe(filter, { qos: 2 }, inbox.take);
      return inbox;
    }

    /** A test of a capability; if the subject lacks it, it is skipped, and its name says why. */
    function test(capability: Capability, name: string, run: () => Promise<void>): void {
      const reason = subject.lacks[capability];
      if (reason === undefined) it(name, run);
      else it.skip(`${name}: ${reason}`);
    }

    async function goesBothWays(client: SubjectClient, base: string): Promise<void> {
      const inbox = await watch(`${base}/out/+`);
      const peer = await openPeer();
      for (const qos of QOS) {
        const messages = TEXTS.map((text) => ({ topic: `${base}/out/ü`, text, qos, retain: false }));
        for (const message of messages) await client.publish(message);
        for (const message of messages) expect(await inbox.next()).toEqual(message);
      }
      for (const granted of QOS) {
        const topic = `${base}/in/${granted}`;
        await client.subscribe(topic, granted);
        for (const qos of QOS) {
          for (const text of TEXTS) await peer.publish(topic, text, { qos });
          for (const text of TEXTS) {
            expect(await client.next()).toEqual({ topic, text, qos: Math.min(qos, granted), retain: false });
          }
        }
      }
    }

    test('qualityOfService', 'messages of each QoS go both ways, in order', async () => {
      await goesBothWays(await open('qos'), `qos/${version}`);
    });

    test('webSocket', 'they do so over WebSocket', async () => {
      await goesBothWays(await open('ws', { transport: 'ws' }), `ws/${version}`);
    });

    test('retained', 'a retained message waits for subscribers, is replaced, and is cleared', async () => {
      const topic = `retained/${version}`;
      const client = await open('retained');
      for (const text of ['old', 'new']) await client.publish({ topic, text, qos: 1, retain: true });
      expect(await (await watch(topic)).next()).toEqual({ topic, text: 'new', qos: 1, retain: true });
      await client.subscribe(topic, 2);
      expect(await client.next()).toEqual({ topic, text: 'new', qos: 1, retain: true });
      await client.publish({ topic, text: '', qos: 1, retain: true });
      expect(await client.next()).toEqual({ topic, text: '', qos: 1, retain: false });
      const afterwards = await watch(topic);
      await client.publish({ topic, text: 'live', qos: 1, retain: false });
      for (const subscriber of [client, afterwards]) {
        expect(await subscriber.next()).toEqual({ topic, text: 'live', qos: 1, retain: false });
      }
    });

    test('will', 'the will is published when the program is killed, not when it leaves', async () => {
      const inbox = await watch(`will/${version}/+`);
      const will = (name: string) => ({ topic: `will/${version}/${name}`, text: 'gone', qos: 2, retain: true });
      await (await open('leaving', { will: will('left') })).disconnect();
      await (await open('mortal', { will: will('killed') })).kill();
      expect(await inbox.next()).toEqual({ ...will('killed'), retain: false });
      expect(await (await watch(`will/${version}/+`)).next()).toEqual(will('killed'));
    });

    test('keptSession', 'a kept session gets what came while its client was away', async () => {
      const before = await open('kept', { clean: false });
      expect(before.sessionPresent).not.toBe(true);
      const topics = ([1, 2] as const).map((qos) => ({ topic: `kept/${version}/${qos}`, qos }));
      for (const { topic, qos } of topics) await before.subscribe(topic, qos);
      await before.disconnect();
      const peer = await openPeer();
      for (const { topic, qos } of topics) for (const text of TEXTS) await peer.publish(topic, text, { qos });
      const again = await open('kept', { clean: false });
      if (version > 3 && again.sessionPresent !== undefined) expect(again.sessionPresent).toBe(true); // 3.1 does not say
      for (const { topic, qos } of topics) {
        for (const text of TEXTS) expect(await again.next()).toEqual({ topic, text, qos, retain: false });
      }
    });

    test('takeOver', 'a second program with the same id takes over', async () => {
      const topic = `twin/${version}`;
      const first = await open('twin');
      const second = await open('twin');
      await first.lost();
      await second.subscribe(topic, 1);
      await second.publish({ topic, text: 'still here', qos: 1, retain: false });
      expect(await second.next()).toEqual({ topic, text: 'still here', qos: 1, retain: false });
    });

    if (version !== 5) return;
    test('properties', 'properties of messages go both ways', async () => {
      const [inward, outward] = ['properties/in', 'properties/out'];
      const properties: MessageProperties = {
        contentType: 'text/plain',
        responseTopic: 'answers/ü',
        correlationData: 'case 7',
        userProperties: [
          ['colour', 'grün'],
          ['colour', 'blau'],
        ],
      };
      const correlationData = new TextEncoder().encode(properties.correlationData);
      const client = await open('properties');
      const peer = await openPeer();
      let take: (message: Message) => void = () => {};
      const arrival = new Promise<Message>((resolve) => {
        take = resolve;
      });
      await peer.subscribe(outward, { qos: 1 }, take);
      await client.publish({ topic: outward, text: 'text', qos: 1, retain: false }, properties);
      expect((await arrival).properties).toEqual({ ...properties, correlationData });
      await client.subscribe(inward, 1);
      await peer.publish(inward, 'text', { qos: 1, properties: { ...properties, correlationData } });
      expect(await client.next()).toEqual({ topic: inward, text: 'text', qos: 1, retain: false, properties });
    });
  });
}
