import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BrokerProcess } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { CONNACK, connectPacket, listensOn, portsOf, sayConnect, seenAs } from './proxies/proxied-client.js';

const areThere = areInstalled('haproxy', 'openssl', 'mosquitto_pub', 'mosquitto_sub');

const ANYBODY = 'listener_allow_anonymous true';

describe.skipIf(!areThere)('a broker behind HAProxy', () => {
  let broker: BrokerProcess;
  let folder: string;
  /** Where HAProxy listens. */
  let ports: Record<'v1' | 'v2' | 'checked' | 'tls' | 'tlsOptional', number>;
  let tls: ConnectionOptions;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-haproxy-'));
    const made = await certificates();
    tls = {
      host: '127.0.0.1',
      servername: 'localhost',
      ca: readFileSync(made.caFile),
      cert: readFileSync(made.clientCertFile),
      key: readFileSync(made.clientKeyFile),
    };
    const pem = join(folder, 'server.pem');
    writeFileSync(pem, Buffer.concat([readFileSync(made.certFile), readFileSync(made.keyFile)]));
    broker = await BrokerProcess.start([
      'enable_proxy_protocol 1',
      ...['listener 0 127.0.0.1', ANYBODY, 'enable_proxy_protocol 2'],
      ...['listener 0 127.0.0.1', 'enable_proxy_protocol 2', 'proxy_protocol_v2_require_tls true'],
      ...['require_certificate true', 'use_identity_as_username true'],
    ]);
    const [v1, v2, v2WithTls] = portsOf(broker);
    const [a, b, c, d, e] = await Promise.all(Array.from({ length: 5 }, freePort));
    ports = { v1: a, v2: b, checked: c, tls: d, tlsOptional: e };
    const bindTls = (port: number, verify: string) =>
      `bind 127.0.0.1:${port} ssl crt ${pem} ca-file ${made.caFile} verify ${verify}`;
    const file = join(folder, 'haproxy.cfg');
    const lines = [
      ...['defaults', 'mode tcp', 'timeout connect 30s', 'timeout client 60s', 'timeout server 60s'],
      ...['listen v1', `bind 127.0.0.1:${ports.v1}`, `server s 127.0.0.1:${v1} send-proxy`],
      ...['listen v2', `bind 127.0.0.1:${ports.v2}`, `server s 127.0.0.1:${v2} send-proxy-v2 proxy-v2-options crc32c`],
      ...['listen checked', `bind 127.0.0.1:${ports.checked}`],
      `server s 127.0.0.1:${v2} send-proxy-v2 check check-send-proxy inter 50ms`,
      ...['listen tls', bindTls(ports.tls, 'required')],
      `server s 127.0.0.1:${v2WithTls} send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,authority,crc32c`,
      ...['listen optional', bindTls(ports.tlsOptional, 'optional')],
      `server s 127.0.0.1:${v2WithTls} send-proxy-v2-ssl-cn`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const program = new RunningProgram(programPath('haproxy'), ['-db', '-f', file]);
    for (const port of Object.values(ports)) await listensOn(port, program);
  });

  afterAll(async () => {
    await broker?.stop();
    await killAll();
    rmSync(folder, { recursive: true });
  });

  it.each(['v1', 'v2'] as const)('knows the address of a client that comes with a header of %s', async (version) => {
    const socket = connect(ports[version], '127.0.0.1');
    expect(await sayConnect(socket, `plain-${version}`)).toBe(CONNACK);
    expect((await seenAs(broker, `plain-${version}`)).from).toBe(`127.0.0.1:${socket.localPort}`);
    expect(broker.program.shown).toContain(`New connection from 127.0.0.1:${socket.localPort} on port `);
    socket.destroy();
  });

  it.each(['v1', 'v2'] as const)('serves WebSockets behind a header of %s', async (version) => {
    const socket = connect(ports[version], '127.0.0.1');
    const webSocket = new WebSocket('ws://localhost/mqtt', ['mqtt'], { createConnection: () => socket });
    webSocket.on('open', () => webSocket.send(connectPacket(`ws-${version}`)));
    const answer = await new Promise<Buffer>((resolve, reject) => webSocket.on('message', resolve).on('error', reject));
    expect(answer.toString('hex')).toBe(CONNACK);
    expect((await seenAs(broker, `ws-${version}`)).from).toBe(`127.0.0.1:${socket.localPort}`);
    webSocket.terminate();
  });

  it.each(['v1', 'v2'] as const)('carries messages of any size through %s', async (version) => {
    const flags = ['-h', '127.0.0.1', '-p', String(ports[version]), '-q', '1'];
    const id = `sub-${version}`;
    const subscriber = new RunningProgram(programPath('mosquitto_sub'), [
      ...flags,
      '-i',
      id,
      '-t',
      version,
      '-C',
      '2',
      '-F',
      '%l',
    ]);
    await broker.hasSubscribed(id, version);
    for (const size of [1, 1_000_000]) {
      const argv = [...flags, '-t', version, '-s'];
      expect(
        (await new RunningProgram(programPath('mosquitto_pub'), argv, Buffer.alloc(size, 'x')).ended).exitCode,
      ).toBe(0);
    }
    expect((await subscriber.ended).stdout.toString()).toBe('1\n1000000\n');
  });

  it('takes the user name from the certificate that HAProxy verified', async () => {
    const socket = connectTls({ ...tls, port: ports.tls });
    expect(await sayConnect(socket, 'with-certificate')).toBe(CONNACK);
    const { from, details } = await seenAs(broker, 'with-certificate');
    expect(from).toBe(`127.0.0.1:${socket.localPort}`);
    expect(details).toContain("u'client'");
    socket.destroy();
  });

  it('refuses a client that shows HAProxy no certificate, and says so', async () => {
    const { cert: _, key: __, ...withoutCertificate } = tls;
    const socket = connectTls({ ...withoutCertificate, port: ports.tlsOptional });
    await expect(sayConnect(socket, 'without-certificate')).rejects.toThrow();
    await broker.program.shows('rejected: the client showed the proxy no certificate that it found good');
  });

  it('says nothing of the checks by which HAProxy finds out whether the broker lives', async () => {
    // Each client comes after some checks.
    for (const id of ['checked-1', 'checked-2', 'checked-3']) {
      const socket = connect(ports.checked, '127.0.0.1');
      expect(await sayConnect(socket, id)).toBe(CONNACK);
      socket.destroy();
    }
    const { shown } = broker.program;
    const ofClients = [...shown.matchAll(/^New client connected from (\S+) as /gm)].map(([, from]) => from);
    const connections = [...shown.matchAll(/^New connection from (\S+) on/gm)].map(([, from]) => from);
    // What listensOn tried connects and says nothing, so those connections have lines of their own.
    expect(connections.length - ofClients.length).toBeLessThanOrEqual(Object.keys(ports).length);
  });

  it('refuses a client that comes past HAProxy', async () => {
    const [direct] = portsOf(broker);
    await expect(sayConnect(connect(direct, '127.0.0.1'), 'direct')).rejects.toThrow();
    await broker.program.showsMatch(
      /^Connection from 127\.0\.0\.1:\d+ rejected: no PROXY header of version 1 came.*an MQTT CONNECT/m,
    );
  });
});
