import type {
  Authorizer,
  ControlCommand,
  ControlEndpoint,
  ControlOutcome,
  Decision,
  Principal,
} from '@cauldron/broker';
import { ConnectReturnCode, PacketType, ReasonCode } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { TestBroker } from '../support/test-broker.js';

const { PUBACK, PUBREC, PUBCOMP, UNSUBACK } = PacketType;
const TOPIC = '$CONTROL/test/v1';
const RESPONSE = `${TOPIC}/response`;
const VERSIONS = [3, 4, 5] as const;

/** Answers `echo` with what it was sent, does `work`, and knows nothing else. */
class Endpoint implements ControlEndpoint {
  readonly said: string[] = [];
  saved: () => Promise<void> = () => Promise.resolve();

  run({ name, fields }: ControlCommand, { clientId }: Principal): ControlOutcome {
    this.said.push(`${clientId} ${name}`);
    if (name === 'echo') return { command: 'echo', data: { text: fields.text } };
    if (name === 'fail') throw new Error('it broke');
    return name === 'work' ? 'done' : { error: 'Unknown command' };
  }

  async settle(): Promise<() => void> {
    await this.saved();
    this.said.push('settled');
    return () => this.said.push('answered');
  }
}

function commands(...list: unknown[]): string {
  return JSON.stringify({ commands: list });
}

function responses(text: string): unknown {
  return (JSON.parse(text) as { responses: unknown }).responses;
}

describe.each(VERSIONS)('a message to a control topic, from a client of version %i', (version) => {
  it.each([0, 1, 2] as const)(
    'with QoS %i is carried out, answered and acknowledged, and reaches nobody',
    async (qos) => {
      const { broker, client } = await started(version);
      const endpoint = new Endpoint();
      broker.broker.control(TOPIC, endpoint);
      const watcher = await broker.connected('watcher');
      await watcher.subscribe([{ filter: '$CONTROL/#' }, { filter: '#' }]);
      await client.subscribe(RESPONSE);
      const id = client.publish(TOPIC, commands({ command: 'echo', text: 'hello', correlationData: 'c' }), { qos });
      const answer = await client.expectMessage();
      expect(answer).toMatchObject({ topic: RESPONSE, qos: 0, retain: false });
      expect(responses(answer.text)).toEqual([{ command: 'echo', data: { text: 'hello' }, correlationData: 'c' }]);
      if (qos === 1) expect(await client.expect(PUBACK)).toMatchObject({ packetId: id, reasonCode: 0 });
      if (qos === 2) {
        expect(await client.expect(PUBREC)).toMatchObject({ packetId: id, reasonCode: 0 });
        client.acknowledge(PacketType.PUBREL, id);
        expect(await client.expect(PUBCOMP)).toMatchObject({ packetId: id, reasonCode: 0 });
      }
      expect(endpoint.said).toEqual(['admin echo', 'settled', 'answered']);
      expect(await watcher.expectMessage()).toMatchObject({ topic: RESPONSE });
      await watcher.expectNothing();
    },
  );

  it('that nobody handles is answered and acknowledged, as with Mosquitto', async () => {
    const { client } = await started(version);
    await client.subscribe('$CONTROL/else/v1/response');
    client.publish('$CONTROL/else/v1', commands(), { qos: 1 });
    expect((await client.expectMessage()).text).toBe('{"error":"endpoint not available"}');
    expect(await client.expect(PUBACK)).toMatchObject({ reasonCode: 0 });
  });

  it('is refused where the rules say so, and nothing of it is carried out', async () => {
    const endpoint = new Endpoint();
    const { broker, client } = await started(version, { authorizer: refusing('publish') });
    broker.broker.control(TOPIC, endpoint);
    client.publish(TOPIC, commands({ command: 'work' }), { qos: 1 });
    expect(await client.expect(PUBACK)).toMatchObject({ reasonCode: version === 5 ? ReasonCode.NOT_AUTHORIZED : 0 });
    expect(endpoint.said).toEqual([]);
  });

  it('is never retained', async () => {
    const { broker, client } = await started(version);
    broker.broker.control(TOPIC, new Endpoint());
    client.publish(TOPIC, commands(), { qos: 1, retain: true });
    await client.expect(PUBACK);
    expect(broker.broker.gauges.retained).toBe(0);
  });

  it('cannot be a will', async () => {
    const will = { topic: TOPIC, payload: new Uint8Array(0), qos: 0, retain: false } as const;
    const connack = await new TestBroker().client(version).connect({ clientId: 'c', will });
    expect(connack.reasonCode).toBe(version === 5 ? ReasonCode.NOT_AUTHORIZED : ConnectReturnCode.NOT_AUTHORIZED);
  });

  it('keeps the client from losing a subscription that the rules hold it to', async () => {
    const { client } = await started(version, { authorizer: refusing('unsubscribe') });
    await client.subscribe('a');
    client.send({ type: PacketType.UNSUBSCRIBE, packetId: 7, filters: ['a'] });
    const { reasonCodes } = await client.expect(UNSUBACK);
    if (version === 5) expect(reasonCodes).toEqual([ReasonCode.NOT_AUTHORIZED]);
    client.publish('a', 'still here');
    expect((await client.expectMessage()).text).toBe('still here');
  });
});

describe('what is no command is answered with what is wrong', () => {
  it.each([
    ['xx', [{ command: 'Unknown command', error: 'Payload not valid JSON' }]],
    ['3', [{ command: 'Unknown command', error: 'Invalid/missing commands' }]],
    ['{"commands":3}', [{ command: 'Unknown command', error: 'Invalid/missing commands' }]],
    [commands(3), [{ command: 'Unknown command', error: 'Command not an object' }]],
    [commands({ x: 1 }), [{ command: 'Unknown command', error: 'Missing command' }]],
    [
      commands({ command: 'work', correlationData: 1 }),
      [{ command: 'work', error: 'Invalid correlationData data type.' }],
    ],
    [commands({ command: 'no' }), [{ command: 'no', error: 'Unknown command' }]],
    [commands({ command: 'fail' }), [{ command: 'fail', error: 'Internal error: Error: it broke' }]],
    ['{"COMMANDS":[{"Command":"work"}]}', [{ command: 'work' }]],
    [
      commands({ command: 'work' }, 3, { command: 'work' }),
      [{ command: 'work' }, { command: 'Unknown command', error: 'Command not an object' }, { command: 'work' }],
    ],
  ])('%s', async (payload, expected) => {
    const { broker, client } = await started(5);
    broker.broker.control(TOPIC, new Endpoint());
    await client.subscribe(RESPONSE);
    client.publish(TOPIC, payload);
    expect(responses((await client.expectMessage()).text)).toEqual(expected);
  });
});

describe('commands', () => {
  it('that could not be saved are answered with the reason, those that failed with their own', async () => {
    const { broker, client } = await started(5);
    const endpoint = new Endpoint();
    endpoint.saved = () => Promise.reject(new Error('the disk is full'));
    broker.broker.control(TOPIC, endpoint);
    await client.subscribe(RESPONSE);
    client.publish(TOPIC, commands({ command: 'work' }, { command: 'no' }));
    expect(responses((await client.expectMessage()).text)).toEqual([
      { command: 'work', error: 'the disk is full' },
      { command: 'no', error: 'Unknown command' },
    ]);
  });

  it('of two clients are carried out one message after the other, and nothing else of a client meanwhile', async () => {
    const { broker, client } = await started(5);
    const endpoint = new Endpoint();
    let save = (): void => {};
    const saved = new Promise<void>((resolve) => {
      save = resolve;
    });
    endpoint.saved = () => saved;
    broker.broker.control(TOPIC, endpoint);
    const other = await broker.connected('other', 5);
    await other.subscribe('$CONTROL/#');
    client.publish(TOPIC, commands({ command: 'work' }), { qos: 1 });
    other.publish(TOPIC, commands({ command: 'work' }), { qos: 1 });
    client.publish('plain', 'x', { qos: 1 });
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(endpoint.said).toEqual(['admin work']);
    save();
    expect((await client.expect(PUBACK)).packetId).toBe(1);
    expect((await client.expect(PUBACK)).packetId).toBe(2);
    await other.expectMessage();
    await other.expectMessage();
    await other.expect(PUBACK);
    expect(endpoint.said).toEqual(['admin work', 'settled', 'answered', 'other work', 'settled', 'answered']);
  });

  it('are not answered any more when the endpoint is gone', async () => {
    const { broker, client } = await started(4);
    const end = broker.broker.control(TOPIC, new Endpoint());
    expect(() => broker.broker.control(TOPIC, new Endpoint())).toThrow(`${TOPIC} has an endpoint already`);
    expect([...broker.broker.controlTopics]).toEqual([TOPIC]);
    end();
    await client.subscribe(RESPONSE);
    client.publish(TOPIC, commands({ command: 'work' }));
    expect((await client.expectMessage()).text).toContain('not available');
  });
});

async function started(version: 3 | 4 | 5, options: ConstructorParameters<typeof TestBroker>[0] = {}) {
  const broker = new TestBroker(options);
  const client = await broker.connected('admin', version);
  expect([...broker.broker.clients()].map(({ clientId }) => clientId)).toEqual(['admin']);
  return { broker, client };
}

function refusing(what: 'publish' | 'unsubscribe'): Authorizer {
  const judge = (action: string): Decision => ({
    allowed: action !== what,
    rule: `no ${what}`,
  });
  return {
    unrestricted: false,
    version: 1,
    mayPublish: () => judge('publish'),
    maySubscribe: () => judge('subscribe'),
    mayUnsubscribe: () => judge('unsubscribe'),
    mayReceive: () => judge('receive'),
  };
}
