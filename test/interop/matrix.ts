import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect, type Message } from '@cauldron/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { areInstalled, type ProgramName } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
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
  tls: 'TLS',
} as const;

export type Capability = keyof typeof CAPABILITIES;

export type Transport = 'tcp' | 'ws' | 'tls';

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
  readonly transport: Transport;
  /** With `tls`: PEM, the certificates that the broker's has to descend from. */
  readonly caFile?: string;
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
  /** Without these, its tests are skipped. */
  readonly needs: readonly ProgramName[];
  readonly versions: readonly Version[];
  /** What it cannot do, and why: a short clause. */
  readonly lacks: Readonly<Partial<Record<Capability, string>>>;
  /** Builds its program in a folder that lives as long as its tests. Called once, before anything else. */
  prepare?(folder: string): Promise<void>;
  /** Resolves when the broker has accepted the connection. */
  connect(options: SubjectOptions): Promise<SubjectClient>;
}

/** As people call them. */
export const VERSION_NAMES = { 3: '3.1', 4: '3.1.1', 5: '5.0' } as const;

const QOS = [0, 1, 2] as const;

/** Enough that acknowledgements and messages cross each other. */
const TEXTS = ['', ...Array.from({ length: 20 }, (_, i) => `text ${i} – grüße`)];

/** The connections of one test: those of a subject, and those of our client, which is its peer. */
class Scene {
  readonly #subject: Subject;
  readonly #port: number;
  readonly #version: Version;
  readonly #clients: SubjectClient[] = [];
  readonly #peers: Client[] = [];

  constructor(subject: Subject, port: number, version: Version) {
    this.#subject = subject;
    this.#port = port;
    this.#version = version;
  }

  async open(name: string, options: SceneOptions = {}): Promise<SubjectClient> {
    const always = { port: this.#port, version: this.#version, clientId: `${name}-${this.#version}` };
    const client = await this.#subject.connect({ ...always, clean: true, transport: 'tcp', ...options });
    this.#clients.push(client);
    return client;
  }

  async openPeer(): Promise<Client> {
    const peer = await connect(`mqtt://127.0.0.1:${this.#port}`, { protocolVersion: this.#version, reconnect: false });
    this.#peers.push(peer);
    return peer;
  }

  /** What comes to a peer that has just come. */
  async watch(filter: string): Promise<Inbox> {
    const inbox = new Inbox();
    await (await this.openPeer()).subscribe(filter, { qos: 2 }, inbox.take);
    return inbox;
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.kill()));
    await Promise.all(this.#peers.map((peer) => peer.disconnect()));
  }
}

type SceneOptions = Partial<Pick<SubjectOptions, 'port' | 'clean' | 'transport' | 'caFile' | 'will'>>;

/** Every client of others is judged by these tests, against a broker of the build. */
export function describeSubject(subject: Subject): void {
  describe.skipIf(!areInstalled('openssl', ...subject.needs)).concurrent(subject.name, () => describeCells(subject));
}

function describeCells(subject: Subject): void {
  let broker: BrokerProcess;
  let folder: string;
  /** How to reach the broker's listener with TLS. */
  let secure: SceneOptions;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-client-'));
    const { caFile, certFile, keyFile } = await certificates();
    const config = ['listener 0 127.0.0.1', `certfile ${certFile}`, `keyfile ${keyFile}`];
    [broker] = await Promise.all([BrokerProcess.start(config), subject.prepare?.(folder)]);
    const [, port] = await broker.program.showsMatch(/^Listening on [\d.]+:\d+\.\n[\s\S]*^Listening on [\d.]+:(\d+)/m);
    secure = { port: Number(port), transport: 'tls', caFile };
  }, 60_000);

  afterAll(async () => {
    await broker?.stop();
    await killAll();
    rmSync(folder, { recursive: true });
  });

  describe.each(subject.versions)('protocol version %i', (version) => {
    /** A test of a capability; if the subject lacks it, it is skipped, and its name says why. */
    function test(capability: Capability, name: string, run: (scene: Scene) => Promise<void>): void {
      const reason = subject.lacks[capability];
      if (reason !== undefined) it.skip(`${name}: ${reason}`);
      else {
        it(name, async () => {
          const scene = new Scene(subject, broker.port, version);
          await run(scene).finally(() => scene.end());
        });
      }
    }

    async function goesBothWays(scene: Scene, client: SubjectClient, base: string): Promise<void> {
      const inbox = await scene.watch(`${base}/out/+`);
      const peer = await scene.openPeer();
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

    test('qualityOfService', 'messages of each QoS go both ways, in order', async (scene) => {
      await goesBothWays(scene, await scene.open('qos'), `qos/${version}`);
    });

    test('webSocket', 'messages of each QoS go both ways over WebSocket', async (scene) => {
      await goesBothWays(scene, await scene.open('ws', { transport: 'ws' }), `ws/${version}`);
    });

    test('tls', 'messages of each QoS go both ways over TLS', async (scene) => {
      await goesBothWays(scene, await scene.open('tls', secure), `tls/${version}`);
    });

    test('retained', 'a retained message waits for subscribers, is replaced, and is cleared', async (scene) => {
      const topic = `retained/${version}`;
      const client = await scene.open('retained');
      for (const text of ['old', 'new']) await client.publish({ topic, text, qos: 1, retain: true });
      expect(await (await scene.watch(topic)).next()).toEqual({ topic, text: 'new', qos: 1, retain: true });
      await client.subscribe(topic, 2);
      expect(await client.next()).toEqual({ topic, text: 'new', qos: 1, retain: true });
      await client.publish({ topic, text: '', qos: 1, retain: true });
      expect(await client.next()).toEqual({ topic, text: '', qos: 1, retain: false });
      const afterwards = await scene.watch(topic);
      await client.publish({ topic, text: 'live', qos: 1, retain: false });
      for (const subscriber of [client, afterwards]) {
        expect(await subscriber.next()).toEqual({ topic, text: 'live', qos: 1, retain: false });
      }
    });

    test('will', 'the will is published when the program is killed, not when it leaves', async (scene) => {
      const inbox = await scene.watch(`will/${version}/+`);
      const will = (name: string) => ({ topic: `will/${version}/${name}`, text: 'gone', qos: 2, retain: true });
      await (await scene.open('leaving', { will: will('left') })).disconnect();
      await (await scene.open('mortal', { will: will('killed') })).kill();
      expect(await inbox.next()).toEqual({ ...will('killed'), retain: false });
      expect(await (await scene.watch(`will/${version}/+`)).next()).toEqual(will('killed'));
    });

    test('keptSession', 'a kept session gets what came while its client was away', async (scene) => {
      const before = await scene.open('kept', { clean: false });
      expect(before.sessionPresent).not.toBe(true);
      const topics = ([1, 2] as const).map((qos) => ({ topic: `kept/${version}/${qos}`, qos }));
      for (const { topic, qos } of topics) await before.subscribe(topic, qos);
      await before.disconnect();
      const peer = await scene.openPeer();
      for (const { topic, qos } of topics) for (const text of TEXTS) await peer.publish(topic, text, { qos });
      const again = await scene.open('kept', { clean: false });
      if (version > 3 && again.sessionPresent !== undefined) expect(again.sessionPresent).toBe(true); // 3.1 does not say
      for (const { topic, qos } of topics) {
        for (const text of TEXTS) expect(await again.next()).toEqual({ topic, text, qos, retain: false });
      }
    });

    test('takeOver', 'a second program with the same id takes over', async (scene) => {
      const topic = `twin/${version}`;
      const first = await scene.open('twin');
      const second = await scene.open('twin');
      await first.lost();
      await second.subscribe(topic, 1);
      await second.publish({ topic, text: 'still here', qos: 1, retain: false });
      expect(await second.next()).toEqual({ topic, text: 'still here', qos: 1, retain: false });
    });

    if (version !== 5) return;
    test('properties', 'properties of messages go both ways', async (scene) => {
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
      const client = await scene.open('properties');
      const peer = await scene.openPeer();
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
