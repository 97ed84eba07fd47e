import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import {
  type Connect,
  decodePacket,
  encodePacket,
  Framer,
  type Packet,
  PacketType,
  type Publish,
  ReasonCode,
} from '@cauldron/codec';
import { afterEach, describe, expect, it } from 'vitest';
import { examine } from '../../packages/cli/src/doctor/examination.js';
import type { Finding } from '../../packages/cli/src/doctor/finding.js';
import { targetFrom } from '../../packages/cli/src/doctor/target.js';
import { verdictOn } from '../../packages/cli/src/doctor/verdict.js';
import { ConfiguredBroker } from '../config/configured-broker.js';

/** What a faulty broker makes of a packet, on its way in or out; nothing: it goes as it is. */
interface Fault {
  readonly toBroker?: (packet: Packet, answer: (packet: Packet) => void) => readonly Packet[] | undefined;
  readonly toClient?: (packet: Packet) => readonly Packet[] | undefined;
}

const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Reads the packets of a connection, whose version its CONNECT tells. */
function reading(from: Socket, version: { level: 3 | 4 | 5 }, take: (packet: Packet) => void): void {
  const framer = new Framer();
  from.on('data', (bytes: Buffer) => {
    framer.feed(bytes, bytes.length);
    while (framer.next()) take(decodePacket(framer.bytes, framer.start, framer.body, framer.end, version.level));
    framer.finish();
  });
}

/** A broker with a fault: a good one, behind something that changes what is said. @returns its port */
async function faultyBroker(port: number, fault: Fault): Promise<number> {
  const server = createServer({ noDelay: true }, (client) => {
    const broker = connect({ host: '127.0.0.1', port, noDelay: true });
    const version: { level: 3 | 4 | 5 } = { level: 5 };
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ]) {
      sockets.add(one);
      one.on('error', () => {}); // `close` follows
      one.on('close', () => other.destroy());
    }
    const write = (to: Socket, packets: readonly Packet[]): void => {
      for (const packet of packets) to.write(encodePacket(packet, version.level));
    };
    reading(client, version, (packet) => {
      if (packet.type === PacketType.CONNECT) version.level = packet.protocolVersion;
      write(broker, fault.toBroker?.(packet, (answer) => write(client, [answer])) ?? [packet]);
    });
    reading(broker, version, (packet) => write(client, fault.toClient?.(packet) ?? [packet]));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function examined(fault: Fault): Promise<{ findings: Finding[]; exitStatus: number }> {
  const broker = await ConfiguredBroker.start();
  const port = await faultyBroker(broker.server.endpoints[0].port, fault);
  const findings: Finding[] = [];
  const target = targetFrom(`mqtt://127.0.0.1:${port}`, { timeout: 3 }, 'faults');
  const isWhole = await examine(target, (finding) => findings.push(finding));
  return { findings, exitStatus: verdictOn(findings, !isWhole).exitStatus };
}

const onConnect =
  (change: (connect: Connect) => Connect): Required<Fault>['toBroker'] =>
  (packet) =>
    packet.type === PacketType.CONNECT ? [change(packet)] : undefined;

const onPublish =
  (isMeant: (publish: Publish) => boolean, change: (publish: Publish) => readonly Packet[]) =>
  (packet: Packet): readonly Packet[] | undefined =>
    packet.type === PacketType.PUBLISH && isMeant(packet) ? change(packet) : undefined;

const textOf = ({ payload }: Publish): string => Buffer.from(payload).toString();
const HIGH_ID = 1_000;
let strangers = 0;

const FAULTS: [what: string, check: string, text: string, fault: Fault][] = [
  [
    'forgets retained messages',
    'retained',
    'A retained message does not reach a new subscriber',
    {
      toBroker: onPublish(
        ({ retain }) => retain,
        (publish) => [{ ...publish, retain: false }],
      ),
    },
  ],
  [
    'does not clear retained messages',
    'retained',
    'An empty message does not clear a retained one',
    {
      toBroker: onPublish(
        ({ retain, payload }) => retain && payload.length === 0,
        (publish) => [{ ...publish, topic: `${publish.topic}/elsewhere` }],
      ),
    },
  ],
  [
    'sends retained messages without their flag',
    'retained',
    'A retained message comes without its flag',
    {
      toClient: onPublish(
        ({ retain }) => retain,
        (publish) => [{ ...publish, retain: false }],
      ),
    },
  ],
  [
    'forgets sessions',
    'exactly-once',
    'The session is gone after a reconnect',
    { toBroker: onConnect((packet) => ({ ...packet, clean: true })) },
  ],
  [
    'sends QoS 2 messages twice',
    'exactly-once',
    'A QoS 2 message comes 2 times',
    {
      toClient: onPublish(
        (publish) => publish.qos === 2 && textOf(publish) === 'once',
        (publish) => [publish, { ...publish, packetId: HIGH_ID }],
      ),
      toBroker: (packet) => ('packetId' in packet && packet.packetId === HIGH_ID ? [] : undefined),
    },
  ],
  [
    'does not share shared subscriptions',
    'shared',
    'Of 20 messages two members of a shared subscription get 20 and 20',
    {
      toBroker: (packet) => {
        if (packet.type !== PacketType.SUBSCRIBE) return undefined;
        const plain = packet.subscriptions.map((one) => ({
          ...one,
          filter: one.filter.replace(/^\$share\/[^/]+\//, ''),
        }));
        return [{ ...packet, subscriptions: plain }];
      },
    },
  ],
  [
    'sends no wills',
    'will',
    'The will of a client is not sent: no answer within 3 s',
    { toBroker: onConnect(({ will: _, ...packet }) => packet) },
  ],
  [
    'lets two clients have one id',
    'take-over',
    'Two clients with one id stay connected',
    { toBroker: onConnect((packet) => ({ ...packet, clientId: `${packet.clientId}${++strangers}` })) },
  ],
  [
    'asks for a user name, and not for a password',
    'wrong-password',
    'A user who does not exist gets in, with any password',
    {
      toBroker: (packet, answer) => {
        // That of the examination itself comes without a name, too.
        if (packet.type !== PacketType.CONNECT || packet.username !== undefined || !packet.clientId.endsWith('a'))
          return undefined;
        answer({ type: PacketType.CONNACK, sessionPresent: false, reasonCode: ReasonCode.NOT_AUTHORIZED });
        return [];
      },
    },
  ],
];

describe('the doctor notices a broker that', () => {
  it.each(FAULTS)('%s', async (_, check, text, fault) => {
    const { findings, exitStatus } = await examined(fault);
    expect(findings.find((finding) => finding.check === check)).toMatchObject({ mark: 'failure', text });
    expect(exitStatus).toBe(1);
  });

  it('has none of these faults, behind the same changes that change nothing', async () => {
    const { findings, exitStatus } = await examined({});
    expect(findings.filter(({ mark }) => mark === 'failure' || mark === 'warning')).toEqual([]);
    expect(exitStatus).toBe(0);
  });

  it('speaks 3.1.1 only, and then asks in the words of that version', async () => {
    const { findings, exitStatus } = await examined({
      toBroker: (packet, answer) => {
        if (packet.type !== PacketType.CONNECT || packet.protocolVersion === 4) return undefined;
        answer({
          type: PacketType.CONNACK,
          sessionPresent: false,
          reasonCode: packet.protocolVersion === 5 ? ReasonCode.UNSUPPORTED_PROTOCOL_VERSION : 1,
        } as Packet);
        return [];
      },
    });
    const marks = (check: string) => findings.filter((finding) => finding.check === check).map(({ mark }) => mark);
    expect([marks('MQTT 5.0'), marks('MQTT 3.1.1'), marks('MQTT 3.1')]).toEqual([['warning'], ['ok'], ['note']]);
    for (const check of ['rights', 'retained', 'exactly-once', 'will', 'take-over', 'qos-2']) {
      expect([check, ...marks(check)]).toEqual([check, 'ok']);
    }
    expect(exitStatus).toBe(1);
  });
});
