import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, startServer } from '@cauldron/broker';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectPacket, publishPacket } from '../conformance/raw/packet-writer.js';
import { freePort } from '../support/free-port.js';
import { ConfiguredBroker } from './configured-broker.js';

const NOT_AUTHORIZED = 0x87;
const TWO_LISTENERS = ['listener 0 127.0.0.1', 'listener 0 127.0.0.1'];

/** The beginning of MQTT over WebSocket, with one header more. */
function handshake(header: string): Buffer {
  const lines = [
    'GET /mqtt HTTP/1.1',
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: mqtt',
    header,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

describe('who may connect', () => {
  it.each([
    ['allow_anonymous true', 0],
    ['allow_anonymous false', NOT_AUTHORIZED],
  ])('%s: a client without a user name is answered with %i', async (line, reasonCode) => {
    const broker = await ConfiguredBroker.start(line);
    expect((await (await broker.client()).tryConnect({ clientId: 'a' })).reasonCode).toBe(reasonCode);
  });

  it('listener_allow_anonymous: each listener for itself', async () => {
    const broker = await ConfiguredBroker.start(
      'allow_anonymous true',
      ...TWO_LISTENERS,
      'listener_allow_anonymous false',
    );
    const codes = [];
    for (const listener of [0, 1])
      codes.push((await (await broker.client(5, listener)).tryConnect({ clientId: 'a' })).reasonCode);
    expect(codes).toEqual([0, NOT_AUTHORIZED]);
  });

  it('per_listener_settings true: allow_anonymous is about the listener above it', async () => {
    const [one, other] = TWO_LISTENERS;
    const broker = await ConfiguredBroker.start(one, 'allow_anonymous true', other, 'per_listener_settings true');
    const codes = [];
    for (const listener of [0, 1])
      codes.push((await (await broker.client(5, listener)).tryConnect({ clientId: 'a' })).reasonCode);
    expect(codes).toEqual([0, NOT_AUTHORIZED]);
  });

  it('allow_zero_length_clientid false: only those with a client id', async () => {
    const broker = await ConfiguredBroker.start('allow_zero_length_clientid false');
    const client = await broker.client();
    expect((await client.tryConnect({ clientId: '' })).reasonCode).toBe(0x85);
  });

  it('auto_id_prefix and listener_auto_id_prefix: how ids begin that the broker makes', async () => {
    const broker = await ConfiguredBroker.start('auto_id_prefix x-', ...TWO_LISTENERS, 'listener_auto_id_prefix y-');
    const ids = [];
    for (const listener of [0, 1]) {
      const { properties } = await (await broker.client(5, listener)).connect({ clientId: '' });
      ids.push(properties.assignedClientIdentifier?.slice(0, 2));
    }
    expect(ids).toEqual(['x-', 'y-']);
  });

  it('clientid_prefixes: only ids that begin so', async () => {
    const broker = await ConfiguredBroker.start('clientid_prefixes kitchen-');
    await broker.connected('kitchen-1');
    const other = await broker.client(4);
    expect((await other.tryConnect({ clientId: 'cellar-1' })).reasonCode).not.toBe(0);
  });

  it('use_username_as_clientid: the id is the user name', async () => {
    const broker = await ConfiguredBroker.start('use_username_as_clientid true');
    const client = await broker.client();
    await client.connect({ clientId: 'a', username: 'somebody' });
    await client.disconnect();
    expect(await broker.written()).toMatch(/connected from .* as somebody /);
  });

  it('accept_protocol_versions 4: no others', async () => {
    const broker = await ConfiguredBroker.start('accept_protocol_versions 4');
    await broker.connected('a', 4);
    const client = await broker.client(5);
    expect((await client.tryConnect({ clientId: 'b' })).reasonCode).toBe(0x84);
  });

  it('max_connections 1: no second one', async () => {
    const broker = await ConfiguredBroker.start('max_connections 1');
    await broker.connected('a');
    expect(await (await broker.client()).ended()).toEqual([]);
  });

  it('global_max_connections 1: no second one, on whichever listener', async () => {
    const broker = await ConfiguredBroker.start('global_max_connections 1', ...TWO_LISTENERS);
    await broker.connected('a', 5, 0);
    await (await broker.client(5, 1)).ended();
  });

  it('global_max_clients 1: no second session, even if nobody is connected to the first', async () => {
    const broker = await ConfiguredBroker.start('global_max_clients 1');
    await broker.leftBehind('a', 'a/b');
    expect((await (await broker.client()).tryConnect({ clientId: 'b' })).reasonCode).toBeGreaterThanOrEqual(0x80);
    await broker.connected('a', 4);
  });

  it('connect_timeout 1: a connection that says nothing ends', async () => {
    const broker = await ConfiguredBroker.start('connect_timeout 1');
    expect(await (await broker.client()).ended()).toEqual([]);
  });

  it('connection_messages false: nobody who comes or goes is logged', async () => {
    const lines = [];
    for (const value of ['true', 'false']) {
      const broker = await ConfiguredBroker.start(`connection_messages ${value}`);
      await (await broker.connected('somebody')).disconnect();
      lines.push(/somebody/.test(await broker.written()));
    }
    expect(lines).toEqual([true, false]);
  });
});

describe('what clients are told in CONNACK', () => {
  it.each([
    ['max_keepalive 7', { serverKeepAlive: 7 }],
    ['max_inflight_messages 3', { receiveMaximum: 3 }],
    ['max_packet_size 1000', { maximumPacketSize: 1000 }],
    ['max_qos 1', { maximumQoS: 1 }],
    ['max_topic_alias 3', { topicAliasMaximum: 3 }],
    ['retain_available false', { retainAvailable: 0 }],
    ['response_topic_prefix answers/', { responseInformation: expect.stringMatching(/^answers\//) }],
    ['persistent_client_expiration 60s', { sessionExpiryInterval: 60 }],
  ])('%s', async (line, expected) => {
    const broker = await ConfiguredBroker.start(line);
    const client = await broker.client();
    const properties = { requestResponseInformation: 1, sessionExpiryInterval: 1000 };
    expect((await client.connect({ clientId: 'a', keepAlive: 60, properties })).properties).toMatchObject(expected);
  });
});

describe('what messages may be, and how they come', () => {
  it('max_topic_alias_broker 1: one topic goes by an alias, the next does not', async () => {
    const broker = await ConfiguredBroker.start('max_topic_alias_broker 1');
    const client = await broker.client();
    await client.connect({ clientId: 'a', properties: { topicAliasMaximum: 10 } });
    await client.subscribe('#');
    const aliases = [];
    for (const topic of ['one', 'one', 'two', 'two']) {
      await client.publish({ topic, qos: 1 });
      const { topic: came, properties } = await client.receiveMessage();
      aliases.push([came, properties.topicAlias]);
    }
    expect(aliases).toEqual([
      ['one', 1],
      ['', 1],
      ['two', undefined],
      ['two', undefined],
    ]);
  });

  it('mount_point: other listeners see the prefix, those below it do not', async () => {
    const broker = await ConfiguredBroker.start(...TWO_LISTENERS, 'mount_point house/');
    const [outside, inside] = [await broker.connected('out', 5, 0), await broker.connected('in', 5, 1)];
    await outside.subscribe('#');
    await inside.subscribe('#');
    await inside.publish({ topic: 'door', qos: 1 });
    expect((await outside.receiveMessage()).topic).toBe('house/door');
    expect((await inside.receiveMessage()).topic).toBe('door');
  });

  it('message_size_limit 3: a longer payload goes nowhere, and its publisher is told', async () => {
    const broker = await ConfiguredBroker.start('message_size_limit 3');
    const client = await broker.connected('a');
    await client.subscribe('t');
    client.send(publishPacket(5, { topic: 't', payload: 'four', qos: 1, packetId: 9 }));
    expect((await client.receive('PUBACK')).reasonCode).toBeGreaterThanOrEqual(0x80);
    await client.publish({ topic: 't', payload: 'tiny'.slice(0, 3), qos: 1 });
    expect((await client.receiveMessage()).payload.toString()).toBe('tin');
  });

  it('max_inflight_bytes: the next message waits for an acknowledgement', async () => {
    const broker = await ConfiguredBroker.start('max_inflight_bytes 10');
    const subscriber = await broker.connected('sub');
    await subscriber.subscribe('t');
    const publisher = await broker.connected('pub');
    for (const payload of ['12 bytes now', 'and more']) await publisher.publish({ topic: 't', payload, qos: 1 });
    const first = await subscriber.receive('PUBLISH');
    await subscriber.isQuiet();
    expect(first.payload.toString()).toBe('12 bytes now');
    subscriber.send(Buffer.from([0x40, 2, 0, first.packetId ?? 0]));
    expect((await subscriber.receiveMessage()).payload.toString()).toBe('and more');
  });

  it('max_inflight_messages 1: so it does with one message', async () => {
    const broker = await ConfiguredBroker.start('max_inflight_messages 1');
    const subscriber = await broker.connected('sub', 4);
    await subscriber.subscribe('t');
    const publisher = await broker.connected('pub', 4);
    for (const payload of ['1', '2']) await publisher.publish({ topic: 't', payload, qos: 1 });
    await subscriber.receive('PUBLISH');
    await subscriber.isQuiet();
  });

  it.each<[string, string[]]>([
    ['max_queued_messages 2', ['1 aaaa', '2 aaaa']],
    ['max_queued_bytes 10', ['1 aaaa', '2 aaaa']],
    ['queue_qos0_messages false', ['1 aaaa', '2 aaaa', '3 aaaa']],
    ['queue_qos0_messages true', ['0 aaaa', '1 aaaa', '2 aaaa', '3 aaaa']],
  ])('%s: what waits for an absent client', async (line, expected) => {
    const broker = await ConfiguredBroker.start(line, 'max_inflight_messages 1');
    await broker.leftBehind('absent', 't');
    const publisher = await broker.connected('pub', 4);
    await publisher.publish({ topic: 't', payload: '0 aaaa', qos: 0 });
    for (const payload of ['1 aaaa', '2 aaaa', '3 aaaa']) await publisher.publish({ topic: 't', payload, qos: 1 });
    const waiting = await broker.waitingFor('absent');
    if (line.startsWith('max_queued')) expect(waiting.length).toBeLessThan(3);
    else expect(waiting).toEqual(expected);
    expect(expected.slice(0, waiting.length)).toEqual(waiting);
  });

  it('max_subscriptions 1: no second one', async () => {
    const broker = await ConfiguredBroker.start('max_subscriptions 1');
    const client = await broker.connected('a');
    expect((await client.subscribe('one')).reasonCodes).toEqual([2]);
    expect((await client.subscribe('two')).reasonCodes).toEqual([0x97]);
  });

  it('max_topic_levels 2: no deeper filter', async () => {
    const broker = await ConfiguredBroker.start('max_topic_levels 2');
    const client = await broker.connected('a');
    expect((await client.subscribe('a/b')).reasonCodes).toEqual([2]);
    expect((await client.subscribe('a/b/c')).reasonCodes[0]).toBeGreaterThanOrEqual(0x80);
  });

  it.each([
    ['allow_duplicate_messages true', 2],
    ['allow_duplicate_messages false', 1],
  ] as const)('%s: overlapping subscriptions get a message %i times', async (line, times) => {
    const broker = await ConfiguredBroker.start(line);
    const client = await broker.connected('a', 4);
    await client.subscribe('a/#');
    await client.subscribe('a/+');
    await client.publish({ topic: 'a/b', qos: 1 });
    for (let n = 0; n < times; n++) await client.receiveMessage();
    await client.isQuiet();
  });

  it('upgrade_outgoing_qos true: as the subscription asks', async () => {
    const broker = await ConfiguredBroker.start('upgrade_outgoing_qos true');
    const client = await broker.connected('a', 4);
    await client.subscribe({ filter: 't', qos: 1 });
    await client.publish({ topic: 't', qos: 0 });
    expect((await client.receiveMessage()).qos).toBe(1);
  });

  it('max_qos 1: who publishes with more is disconnected', async () => {
    const broker = await ConfiguredBroker.start('max_qos 1');
    const client = await broker.connected('a');
    client.send(publishPacket(5, { topic: 't', qos: 2, packetId: 1 }));
    expect(await client.isRefused([0x9b])).toBe(0x9b);
  });

  it.each([
    ['check_retain_source false', { checkRetainSource: false }],
    ['max_output_bytes 4096', { maxOutputBytes: 4096 }],
    ['max_publisher_wait 7', { maxPublisherWaitMs: 7 }],
    ['retain_expiry_interval 2', { retainExpiryIntervalMs: 120_000 }],
  ])('%s is what the core holds to', async (line, expected) => {
    const { server } = await ConfiguredBroker.start(line);
    expect(server.broker.settings).toMatchObject(expected);
  });
});

describe('where a broker listens', () => {
  it('port and bind_address: there, and open to others', async () => {
    const port = await freePort();
    const config = readConfig(`port ${port}\nbind_address 127.0.0.1\nlog_dest none`, 'test.conf');
    const server = await startServer(config);
    onTestFinished(() => server.stop());
    expect(server.endpoints).toMatchObject([{ address: '127.0.0.1', port }]);
    expect(config.localOnly).toBe(false);
  });

  it('bind_interface and socket_domain: at the addresses of the device that are of that kind', async () => {
    const { server } = await ConfiguredBroker.start('listener 0', 'bind_interface lo', 'socket_domain ipv4');
    expect(server.endpoints.map(({ address }) => address)).toEqual(['127.0.0.1']);
  });

  it('include_dir: at what the files of a folder say', async () => {
    const broker = await ConfiguredBroker.start('sys_interval 0');
    const more = join(broker.folder, 'conf.d');
    mkdirSync(more);
    writeFileSync(join(more, 'listener.conf'), 'listener 0 127.0.0.1\nallow_anonymous true\n');
    const included = await ConfiguredBroker.start(`include_dir ${more}`);
    expect(included.server.endpoints).toHaveLength(2);
  });

  it.each(['mqtt', 'websockets'])('protocol %s: both, by the first bytes', async (protocol) => {
    const broker = await ConfiguredBroker.start('listener 0 127.0.0.1', `protocol ${protocol}`);
    await broker.connected('a');
    expect((await broker.answerTo(handshake('X: y'))).toString()).toMatch(/^HTTP\/1\.1 101 /);
  });
});

describe('what comes before MQTT', () => {
  const CONNECT = connectPacket(4, { clientId: 'a' });
  const CONNACK = '20020000';

  it('enable_proxy_protocol 1: the address of the client is the one in the header', async () => {
    const broker = await ConfiguredBroker.start('enable_proxy_protocol 1');
    const answer = await broker.answerTo(Buffer.from('PROXY TCP4 192.0.2.7 127.0.0.1 4711 1883\r\n'), CONNECT);
    expect(answer.toString('hex')).toBe(CONNACK);
    expect((await broker.answerTo(CONNECT)).length).toBe(0);
    expect(await broker.written()).toContain('New connection from 192.0.2.7:4711 on port');
  });

  it('proxy_protocol_v2_require_tls true: without TLS in front of the proxy a connection ends', async () => {
    const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
    const plain = Buffer.concat([signature, Buffer.from('2111000cc00002077f0000011267075b', 'hex')]);
    for (const [isRequired, expected] of [
      ['false', CONNACK],
      ['true', ''],
    ]) {
      const broker = await ConfiguredBroker.start(
        'enable_proxy_protocol 2',
        `proxy_protocol_v2_require_tls ${isRequired}`,
      );
      expect((await broker.answerTo(plain, CONNECT)).toString('hex')).toBe(expected);
    }
  });

  it.each([
    ['websockets_origin https://good.example', 'Origin: https://bad.example', /^HTTP\/1\.1 403 /],
    ['websockets_origin https://good.example', 'Origin: https://good.example', /^HTTP\/1\.1 101 /],
    ['websockets_path /elsewhere', 'X: y', /^HTTP\/1\.1 404 /],
    ['packet_buffer_size 1024', `X: ${'y'.repeat(2000)}`, /^HTTP\/1\.1 4\d\d /],
    ['packet_buffer_size 4096', `X: ${'y'.repeat(2000)}`, /^HTTP\/1\.1 101 /],
  ])('%s, with a header %s', async (line, header, expected) => {
    const broker = await ConfiguredBroker.start(line);
    expect((await broker.answerTo(handshake(header))).toString()).toMatch(expected);
  });

  it('unix_socket_mode: who may use a Unix socket', async () => {
    const broker = await ConfiguredBroker.start('listener 0 {folder}/sock', 'unix_socket_mode 600');
    expect(statSync(join(broker.folder, 'sock')).mode & 0o777).toBe(0o600);
  });
});

describe('what is kept on disk', () => {
  it.each([
    ['false', []],
    ['true', ['data']],
  ])('persistence %s, in persistence_location: %j', async (value, expected) => {
    const location = 'persistence_location {folder}/store';
    const broker = await ConfiguredBroker.start(`persistence ${value}`, location, 'persistence_max_bytes 100M');
    await broker.leftBehind('a', 't');
    await broker.stop();
    const store = join(broker.folder, 'store');
    expect(existsSync(store) ? readdirSync(store).filter((name) => name === 'data') : []).toEqual(expected);
  });

  it("persistence_file: Mosquitto's, which is named when it lies there and is not in use", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-effects-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'old.db'), '');
    const lines = ['persistence true', `persistence_location ${folder}`, 'persistence_file old.db'];
    const broker = await ConfiguredBroker.start(...lines);
    expect(await broker.written()).toContain(join(folder, 'old.db'));
  });

  it.each([
    ['persistence_sync never', { sync: 'never' }],
    ['persistence_sync_interval 5', { syncIntervalMs: 5000 }],
    ['persistence_max_bytes 100M', { maxBytes: 100 * 1024 * 1024 }],
  ])('%s is what the store holds to', async (line, expected) => {
    const broker = await ConfiguredBroker.start('persistence true', 'persistence_location {folder}', line);
    expect(broker.server.config.persistence).toMatchObject(expected);
  });
});

describe('what is logged', () => {
  it.each([
    ['log_timestamp false', /^cauldron version .* starting$/m],
    ['log_timestamp true', /^\d{10}: cauldron version .* starting$/m],
    ['log_timestamp_format %Y', /^\d{4}: cauldron version .* starting$/m],
    ['log_format json', /^\{"time":.*"message":"cauldron version .* starting".*\}$/m],
  ])('%s', async (line, expected) => {
    expect(await (await ConfiguredBroker.start(line)).written()).toMatch(expected);
  });

  it('log_type: those lines and no others', async () => {
    const broker = await ConfiguredBroker.start('log_type subscribe');
    await (await broker.connected('a')).subscribe('t');
    expect(await broker.written()).toMatch(/^\d+: a 2 t\n$/);
  });

  it('log_dest: in each of these places', async () => {
    const broker = await ConfiguredBroker.start('log_dest topic', 'log_dest file {folder}/other', 'log_type all');
    const client = await broker.connected('a');
    await client.subscribe('$SYS/broker/log/M/subscribe');
    const line = 'a 2 $SYS/broker/log/M/subscribe';
    expect((await client.receiveMessage()).payload.toString()).toContain(line);
    expect(await broker.written('other')).toContain(line);
  });
});

interface TcpHandle {
  getsockname(local: { port?: number }): number;
  setNoDelay(noDelay: boolean): number;
}

/** What all TCP connections of the process have in common, below their sockets. */
async function tcpHandles(): Promise<TcpHandle> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const handle: object = Reflect.get(server, '_handle');
  server.close();
  return Object.getPrototypeOf(handle);
}

describe('the broker itself', () => {
  it.each([
    ['set_tcp_nodelay true', true],
    ['set_tcp_nodelay false', false],
  ])('%s: whether small writes leave at once: %s', async (line, isSet) => {
    // Asked of the system: connections are accepted without a socket that could be asked.
    const ports: unknown[] = [];
    const handles = await tcpHandles();
    const setNoDelay = vi.spyOn(handles, 'setNoDelay').mockImplementation(function (this: TcpHandle) {
      const local: { port?: number } = {};
      this.getsockname(local);
      ports.push(local.port);
      return 0;
    });
    onTestFinished(() => setNoDelay.mockRestore());
    const broker = await ConfiguredBroker.start(line);
    await broker.connected('a');
    expect(ports.includes(broker.server.endpoints[0].port)).toBe(isSet);
  });

  it.each([
    ['sys_interval 1', true],
    ['sys_interval 0', false],
  ])('%s: whether it tells of itself in $SYS: %s', async (line, tells) => {
    const broker = await ConfiguredBroker.start(line);
    const client = await broker.connected('a');
    await client.subscribe('$SYS/broker/version');
    if (tells) expect((await client.receiveMessage()).payload.toString()).toMatch(/^cauldron version /);
    else await client.isQuiet();
  });

  it('a plugin for SQLite: data are kept in the folder of its database', async () => {
    const broker = await ConfiguredBroker.start(
      'plugin /usr/lib/mosquitto_persist_sqlite.so',
      'plugin_opt_db_file {folder}/data.sqlite3',
    );
    await broker.leftBehind('a', 't');
    await broker.stop();
    expect(existsSync(join(broker.folder, 'data.sqlite3'))).toBe(false);
    expect(existsSync(join(broker.folder, 'data'))).toBe(true);
  });
});
