import { type BrokerOptions, DEFAULT_LISTENER, type ListenerPolicy } from '@cauldron/broker';
import type { Connect } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

interface Arrangement {
  readonly options?: Partial<BrokerOptions>;
  readonly listener?: Partial<ListenerPolicy>;
  readonly connect?: Partial<Connect>;
}

/** The CONNACK that a 5.0 client gets, in hex. */
async function connackBytes({ options, listener, connect }: Arrangement): Promise<string> {
  const test = new TestBroker(options);
  const client = test.client(5, { ...DEFAULT_LISTENER, ...listener });
  const frames = client.record();
  void client.connect({ clientId: 'x', keepAlive: 60, ...connect }).catch(() => {});
  await client.settle();
  const [connack] = frames;
  return Buffer.from(connack).toString('hex');
}

const ALIASES = '22 000a';
const PACKET_SIZE = '27 001e8480';
const RECEIVE_MAXIMUM = '21 0014';
const USUAL = `${ALIASES} ${PACKET_SIZE} ${RECEIVE_MAXIMUM}`;

/** A CONNACK of success with these properties. */
function connack(...properties: string[]): string {
  const hex = properties.join('').replaceAll(' ', '');
  const size = (bytes: number) => bytes.toString(16).padStart(2, '0');
  return `20${size(hex.length / 2 + 3)}0000${size(hex.length / 2)}${hex}`;
}

function text(id: string, value: string): string {
  const bytes = Buffer.from(value);
  return `${id}${bytes.length.toString(16).padStart(4, '0')}${bytes.toString('hex')}`;
}

describe('the CONNACK of a 5.0 client', () => {
  it.each<[string, Arrangement, string]>([
    [
      'of a broker with default settings has the topic alias maximum, the maximum packet size and the receive maximum',
      {},
      '200e00000b22000a27001e8480210014',
    ],
    [
      'has an assigned id behind the topic alias maximum',
      { connect: { clientId: '' } },
      connack(ALIASES, text('12', `auto-${'01'.repeat(16)}`), PACKET_SIZE, RECEIVE_MAXIMUM),
    ],
    ['has a server keep-alive in front', { options: { settings: { maxKeepAliveS: 30 } } }, connack('13 001e', USUAL)],
    ['has the maximum QoS at the end', { listener: { maximumQoS: 1 } }, connack(USUAL, '24 01')],
    [
      'says before the packet size that retained messages are not taken',
      { options: { settings: { retainAvailable: false } } },
      connack(ALIASES, '25 00', PACKET_SIZE, RECEIVE_MAXIMUM),
    ],
    [
      'has no topic alias maximum if that is 0',
      { listener: { maxTopicAliasesFromClient: 0 } },
      connack(PACKET_SIZE, RECEIVE_MAXIMUM),
    ],
    [
      'has method and last data of an enhanced authentication behind the assigned id',
      {
        options: {
          enhancedAuthenticator: {
            begin: () => ({
              next: () => ({ admitted: true, username: 'ann', rule: 'all', data: Uint8Array.of(1, 2) }),
            }),
          },
        },
        connect: { clientId: '', properties: { authenticationMethod: 'X' } },
      },
      connack(
        ALIASES,
        text('12', `auto-${'01'.repeat(16)}`),
        text('15', 'X'),
        '16 0002 0102',
        PACKET_SIZE,
        RECEIVE_MAXIMUM,
      ),
    ],
    [
      'says last what Mosquitto never says: a shorter session expiry, response information',
      {
        options: { settings: { maxSessionExpiryS: 100 } },
        connect: { properties: { sessionExpiryInterval: 200, requestResponseInformation: 1 } },
      },
      connack(USUAL, '11 00000064', text('1a', 'response/x/')),
    ],
    [
      'has all of it in this order',
      {
        options: { settings: { maxKeepAliveS: 30, retainAvailable: false, maximumPacketSize: 1000 } },
        listener: { maximumQoS: 0, maxTopicAliasesFromClient: 1, assignedClientIdPrefix: 'a' },
        connect: { clientId: '', keepAlive: 0 },
      },
      connack(
        '13 001e',
        '22 0001',
        text('12', `a${'01'.repeat(16)}`),
        '25 00',
        '27 000003e8',
        RECEIVE_MAXIMUM,
        '24 00',
      ),
    ],
  ])('%s', async (_, arrangement, expected) => {
    expect(await connackBytes(arrangement)).toBe(expected);
  });

  it('of older versions has nothing but the code', async () => {
    const test = new TestBroker();
    const client = test.client(4);
    const frames = client.record();
    void client.connect().catch(() => {});
    await client.settle();
    expect(Buffer.from(frames[0]).toString('hex')).toBe('20020000');
  });
});
