import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { examine } from '../../packages/cli/src/doctor/examination.js';
import type { Finding } from '../../packages/cli/src/doctor/finding.js';
import { targetFrom } from '../../packages/cli/src/doctor/target.js';
import { type Verdict, verdictOn } from '../../packages/cli/src/doctor/verdict.js';
import { ConfiguredBroker } from '../config/configured-broker.js';
import { mosquittoTarget } from '../conformance/targets/mosquitto-target.js';
import { CertificateAuthority, certificates } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const DAY_MS = 86_400_000;

interface Report {
  readonly findings: readonly Finding[];
  readonly verdict: Verdict;
  /** Marks of a check: one for each line about it. */
  marks(check: string): string[];
  /** The first line about it. */
  about(check: string): Finding | undefined;
}

let examinations = 0;

async function examined(url: string, values: Parameters<typeof targetFrom>[1] = {}): Promise<Report> {
  const findings: Finding[] = [];
  examinations += 1;
  const target = targetFrom(url, { timeout: 10, ...values }, `test${examinations}`);
  const isWhole = await examine(target, (finding) => findings.push(finding));
  const about = (check: string) => findings.filter((finding) => finding.check === check);
  return {
    findings,
    verdict: verdictOn(findings, !isWhole),
    marks: (check) => about(check).map(({ mark }) => mark),
    about: (check) => about(check)[0],
  };
}

const folder = mkdtempSync(join(tmpdir(), 'cauldron-doctor-'));
const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});
afterAll(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // the doctor hangs up
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const portOf = (broker: ConfiguredBroker, at = 0): number => broker.server.endpoints[at].port;

/** All that is examined of a broker that lets everything pass. */
const ALL_WELL = [
  'tcp',
  'MQTT 5.0',
  'MQTT 3.1.1',
  'MQTT 3.1',
  'maximum-qos',
  'features',
  'rights',
  'retained',
  'exactly-once',
  'shared',
  'topic-length',
  'will',
  'take-over',
  'ping',
  'qos-0',
  'qos-1',
  'qos-2',
];

describe('the doctor', () => {
  it('finds an open broker good for this machine, and says what it would need for others', async () => {
    const broker = await ConfiguredBroker.start();
    const report = await examined(`mqtt://127.0.0.1:${portOf(broker)}`);
    for (const check of ALL_WELL) expect([check, ...report.marks(check)]).toEqual([check, 'ok']);
    expect(report.about('anonymous')).toMatchObject({ mark: 'note', text: expect.stringContaining('Anybody') });
    expect(report.about('wrong-password')?.mark).toBe('note');
    expect(report.about('sys-topics')).toMatchObject({ data: { version: expect.stringContaining('cauldron') } });
    expect(report.verdict).toMatchObject({ exitStatus: 0, text: expect.stringContaining('TLS and users') });
  });

  it('leaves nothing behind: no retained message, no session', async () => {
    const broker = await ConfiguredBroker.start();
    await examined(`mqtt://127.0.0.1:${portOf(broker)}`, { topic: 'trial' });
    const client = await broker.connected('after');
    const publisher = await broker.client();
    const { sessionPresent } = await publisher.connect({ clientId: `doctortest${examinations}p`, clean: false });
    expect(sessionPresent).toBe(false);
    await client.subscribe('trial/#');
    await client.subscribe('the/end');
    await client.publish({ topic: 'the/end', payload: 'end', qos: 1 });
    for (;;) {
      const { topic } = await client.receiveMessage();
      expect(topic).not.toMatch(/^trial/);
      if (topic === 'the/end') break;
    }
  });

  it('examines with a password, and sees that strangers are refused', async () => {
    const passwordFile = join(folder, 'passwords');
    const { encodePasswordHash, hashPassword } = await import('@cauldron/broker/passwords');
    const hash = encodePasswordHash(await hashPassword(Buffer.from('slurm'), { kind: 'sha512', iterations: 1_000 }));
    writeFileSync(passwordFile, `fry:${hash}\n`, { mode: 0o600 });
    const broker = await ConfiguredBroker.start('allow_anonymous false', `password_file ${passwordFile}`);
    const url = `mqtt://127.0.0.1:${portOf(broker)}`;
    const report = await examined(url, { username: 'fry', password: 'slurm' });
    expect(report.marks('anonymous')).toEqual(['ok']);
    expect(report.about('wrong-password')).toMatchObject({ mark: 'ok', text: expect.stringContaining('0x87') });
    expect(report.marks('exactly-once')).toEqual(['ok']);
    expect(report.verdict.exitStatus).toBe(0);

    const inUrl = await examined(url.replace('//', '//fry:slurm@'));
    expect(inUrl.verdict.exitStatus).toBe(0);

    const stranger = await examined(url);
    expect(stranger.verdict.exitStatus).toBe(2);
    expect(stranger.about('connect')).toMatchObject({ mark: 'failure', advice: expect.stringContaining('-u NAME') });

    const mistaken = await examined(url, { username: 'fry', password: 'wrong' });
    expect(mistaken.about('connect')?.advice).toContain('the password of fry');
  });

  it('says which rights are missing, and examines where --topic says', async () => {
    const aclFile = join(folder, 'acl');
    writeFileSync(aclFile, 'topic readwrite allowed/#\n', { mode: 0o600 });
    const broker = await ConfiguredBroker.start(`acl_file ${aclFile}`);
    const url = `mqtt://127.0.0.1:${portOf(broker)}`;
    const refused = await examined(url);
    expect(refused.about('rights')).toMatchObject({ mark: 'warning', advice: expect.stringContaining('-t') });
    expect(refused.marks('retained')).toEqual([]);
    expect(refused.marks('take-over')).toEqual(['ok']);
    expect(refused.verdict).toMatchObject({ exitStatus: 1, text: 'Works, but:' });

    const allowed = await examined(url, { topic: 'allowed/here' });
    expect(allowed.marks('rights')).toEqual(['ok']);
    expect(allowed.marks('retained')).toEqual(['ok']);
  });

  it('tells limits that a broker announces, and keeps to them', async () => {
    const broker = await ConfiguredBroker.start(
      'max_packet_size 5000',
      'max_qos 1',
      'retain_available false',
      'max_keepalive 20',
      'persistent_client_expiration 1m',
    );
    const report = await examined(`mqtt://127.0.0.1:${portOf(broker)}`);
    expect(report.about('maximum-packet-size')?.text).toBe('Packets up to 5,000 bytes');
    expect(report.about('maximum-qos')?.text).toBe('QoS 0 and 1, but not 2');
    expect(report.findings.find(({ text }) => text === 'No retained messages')?.mark).toBe('note');
    expect(report.about('server-keep-alive')?.text).toContain('20 s');
    expect(report.about('topic-length')).toMatchObject({ mark: 'ok', data: { bytes: 4_096 } });
    expect(report.marks('retained')).toEqual([]);
    expect(report.marks('qos-2')).toEqual([]);
    expect(report.about('exactly-once')?.mark).toBe('note');
    expect(report.verdict.reasons).toEqual([]);
  });

  it('examines through a WebSocket', async () => {
    const broker = await ConfiguredBroker.start('listener 0 127.0.0.1', 'protocol websockets');
    const report = await examined(`ws://127.0.0.1:${portOf(broker)}/mqtt`);
    for (const check of ['upgrade', 'subprotocol', ...ALL_WELL]) {
      expect([check, ...report.marks(check)]).toEqual([check, 'ok']);
    }
    expect(report.verdict.exitStatus).toBe(0);
  });

  it('examines through a Unix socket', async () => {
    const path = join(folder, 'socket');
    await ConfiguredBroker.start(`listener 0 ${path}`);
    const report = await examined(`unix://${path}`);
    for (const check of ['unix', 'retained', 'exactly-once']) expect(report.marks(check)).toEqual(['ok']);
  });
});

describe('the doctor at a door that leads to no broker', () => {
  it('says that nothing listens there', async () => {
    const report = await examined(`mqtt://127.0.0.1:${await freePort()}`);
    expect(report.about('tcp')).toMatchObject({ mark: 'failure', text: expect.stringContaining('nothing listens') });
    expect(report.verdict.exitStatus).toBe(2);
  });

  it('says that a name is not known', async () => {
    const report = await examined('mqtt://no-such-host.invalid');
    expect(report.about('dns')?.mark).toBe('failure');
    expect(report.verdict.exitStatus).toBe(2);
  });

  it('knows a web server, and where MQTT may be behind it', async () => {
    const port = await listening(createHttpServer((_request, response) => response.end('hello')));
    const report = await examined(`mqtt://127.0.0.1:${port}`);
    expect(report.about('mqtt')?.text).toBe(`Port ${port} is that of a web server: HTTP/1.1 400 Bad Request`);
    expect(report.about('mqtt')?.advice).toBe(`MQTT may be behind it: cauldron doctor ws://127.0.0.1:${port}/mqtt`);

    const upgrade = await examined(`ws://127.0.0.1:${port}/mqtt`);
    expect(upgrade.about('upgrade')).toMatchObject({ mark: 'failure', data: { status: 200 } });
  });

  it('says that a path leads nowhere, and which proxy says so', async () => {
    const server = createHttpServer((_request, response) => {
      response.writeHead(404, { server: 'nginx', via: '1.1 gate' }).end();
    });
    // Without a listener for it, Node's server takes no upgrade for what it is.
    server.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 404 Not Found\r\nServer: nginx\r\nVia: 1.1 gate\r\n\r\n'),
    );
    const report = await examined(`ws://127.0.0.1:${await listening(server)}/nowhere`);
    expect(report.about('upgrade')?.advice).toContain('/mqtt');
    expect(report.about('proxy')?.text).toBe('The HTTP server calls itself nginx, via 1.1 gate');
  });

  it('knows that another service speaks, and what it says', async () => {
    const port = await listening(createServer((socket) => socket.write('220 mail.example.org ESMTP\r\n')));
    const report = await examined(`mqtt://127.0.0.1:${port}`, { timeout: 0.3 });
    expect(report.about('mqtt')?.text).toBe(`Port ${port} speaks something else: "220 mail.example.org ESMTP"`);
  });

  it('says so when a broker goes away while it is examined', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      socket.on('data', () => {});
      connections += 1;
      // The first one only asks whether somebody is there.
      if (connections > 1) server.close();
      socket.destroy();
    });
    const report = await examined(`ws://127.0.0.1:${await listening(server)}`);
    expect(report.about('upgrade')?.text).toContain('it closed the connection without an answer');
    expect(report.verdict.exitStatus).toBe(2);
    const plain = await examined(`mqtt://127.0.0.1:${await listening(createServer((socket) => socket.destroy()))}`);
    expect(plain.about('mqtt')?.text).toBe('CONNECT has no answer: it closed the connection');
  });

  it('gives up where nobody answers, in the time that it was given', async () => {
    const port = await listening(createServer(() => {}));
    const report = await examined(`mqtt://127.0.0.1:${port}`, { timeout: 0.2 });
    expect(report.about('mqtt')).toMatchObject({ mark: 'failure', text: expect.stringContaining('0.2 s') });
    expect(report.verdict.exitStatus).toBe(2);

    const secure = await examined(`mqtts://127.0.0.1:${port}`, { timeout: 0.2 });
    expect(secure.about('version')?.mark).toBe('failure');
  });
});

describe.skipIf(!areInstalled('openssl'))('the doctor and TLS', () => {
  const settings = async (certFile: string, keyFile: string, ...more: string[]) => {
    return ['listener 0 127.0.0.1', `certfile ${certFile}`, `keyfile ${keyFile}`, ...more];
  };

  it('reads the chain, and finds all well that is', async () => {
    const { folder: place, caFile } = await certificates();
    const root = new CertificateAuthority(place, 'root');
    const middle = new CertificateAuthority(place, 'middle', {
      issuer: root,
      validTo: new Date(Date.now() + 100 * DAY_MS),
    });
    const { certFile, keyFile } = middle.issue('good', {
      subject: '/CN=localhost',
      use: 'server',
      hosts: 'DNS:localhost,IP:127.0.0.1',
      validTo: new Date(Date.now() + 90 * DAY_MS),
    });
    const chainFile = join(place, 'chain.crt');
    writeFileSync(chainFile, readFileSync(certFile, 'utf8') + readFileSync(middle.caFile, 'utf8'));
    const broker = await ConfiguredBroker.start(...(await settings(chainFile, keyFile)));
    const url = `mqtts://127.0.0.1:${portOf(broker)}`;
    const report = await examined(url, { cafile: root.caFile });
    expect(report.about('version')).toMatchObject({ mark: 'ok', data: { version: 'TLSv1.3' } });
    expect(report.about('certificate')).toMatchObject({
      mark: 'ok',
      data: { subject: 'localhost', issuer: 'middle', days: 89 },
    });
    expect(report.findings.filter(({ check }) => check === 'chain').map(({ data }) => data?.subject)).toEqual([
      'middle',
      'root',
    ]);
    for (const check of ['name', 'trust', 'strength', 'old-versions', 'retained']) {
      expect([check, ...report.marks(check)]).toEqual([check, 'ok']);
    }

    const untrusted = await examined(url, { cafile: caFile });
    expect(untrusted.about('trust')).toMatchObject({ mark: 'failure', text: expect.stringContaining('by root') });
    expect(untrusted.verdict.exitStatus).toBe(2);
    expect(untrusted.verdict.reasons).toEqual([expect.stringContaining('by root')]);
    // Nothing was said to who is not trusted, the password least of all.
    expect(untrusted.findings.some(({ area }) => area === 'versions')).toBe(false);

    const insecure = await examined(url, { cafile: caFile, insecure: true });
    expect(insecure.about('trust')?.mark).toBe('warning');
    expect(insecure.verdict.exitStatus).toBe(1);
  });

  it('says that a certificate ends soon, has ended, or is for another host', async () => {
    const { folder: place, caFile, certFile, keyFile } = await certificates();
    const soon = await ConfiguredBroker.start(...(await settings(certFile, keyFile)));
    const ending = await examined(`mqtts://localhost:${portOf(soon)}`, { cafile: caFile });
    expect(ending.about('certificate')).toMatchObject({ mark: 'warning', advice: expect.stringContaining('Renew it') });
    expect(ending.verdict.exitStatus).toBe(1);

    const authority = new CertificateAuthority(place, 'another');
    const old = authority.issue('old', {
      subject: '/CN=localhost',
      use: 'server',
      hosts: 'DNS:localhost',
      validTo: new Date(Date.now() - 3 * DAY_MS - 60_000),
      validFrom: new Date(Date.now() - 30 * DAY_MS),
    });
    const expired = await ConfiguredBroker.start(...(await settings(old.certFile, old.keyFile)));
    const ended = await examined(`mqtts://localhost:${portOf(expired)}`, { cafile: authority.caFile });
    expect(ended.about('certificate')).toMatchObject({
      mark: 'failure',
      text: expect.stringMatching(/ended on \S+, 4 days ago$/),
    });
    expect(ended.verdict.exitStatus).toBe(2);

    const foreign = authority.issue('foreign', { subject: '/CN=x', use: 'server', hosts: 'DNS:elsewhere.example.org' });
    const wrong = await ConfiguredBroker.start(...(await settings(foreign.certFile, foreign.keyFile)));
    const misnamed = await examined(`mqtts://localhost:${portOf(wrong)}`, { cafile: authority.caFile });
    expect(misnamed.about('name')?.text).toBe('It is not for localhost, but for elsewhere.example.org');
    expect(misnamed.verdict.exitStatus).toBe(2);
  });

  it('notices weak keys and old versions', async () => {
    const { folder: place } = await certificates();
    const authority = new CertificateAuthority(place, 'weak');
    const { certFile, keyFile } = authority.issue('small', {
      subject: '/CN=localhost',
      use: 'server',
      hosts: 'DNS:localhost',
      key: 'small-rsa',
    });
    const { createServer: createTlsServer } = await import('node:tls');
    const server = createTlsServer({
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    servers.push(server);
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const report = await examined(`mqtts://localhost:${port}`, {
      cafile: authority.caFile,
      ciphers: 'DEFAULT:@SECLEVEL=0',
      timeout: 1,
    });
    expect(report.about('strength')).toMatchObject({ mark: 'warning', text: 'Its key has 1024 bits only' });
    expect(report.about('old-versions')).toMatchObject({ mark: 'warning', text: 'The broker takes TLSv1.1 too' });
  });

  it('knows that a certificate says who comes, and that who has none is refused', async () => {
    const { caFile, certFile, keyFile, clientCertFile, clientKeyFile } = await certificates();
    const lines = await settings(certFile, keyFile, `cafile ${caFile}`, 'require_certificate true');
    const broker = await ConfiguredBroker.start(...lines, 'use_identity_as_username true');
    const url = `mqtts://localhost:${portOf(broker)}`;
    const known = await examined(url, { cafile: caFile, cert: clientCertFile, key: clientKeyFile });
    expect(known.about('anonymous')).toMatchObject({ mark: 'ok', text: 'Who shows no certificate does not get in' });
    expect(known.marks('wrong-password')).toEqual([]);
    expect(known.marks('retained')).toEqual(['ok']);

    const stranger = await examined(url, { cafile: caFile });
    expect(stranger.about('mqtt')).toMatchObject({
      text: 'The broker wants a certificate of the client',
      advice: 'Give it with --cert and --key.',
    });
    expect(stranger.verdict.exitStatus).toBe(2);
  });

  it('knows a pre-shared key', async () => {
    const { folder: place } = await certificates();
    const pskFile = join(place, 'keys');
    writeFileSync(pskFile, 'fry:c0ffee\n', { mode: 0o600 });
    const broker = await ConfiguredBroker.start('listener 0 127.0.0.1', `psk_file ${pskFile}`, 'psk_hint here');
    const url = `mqtts://localhost:${portOf(broker)}`;
    const report = await examined(url, { psk: 'c0ffee', pskIdentity: 'fry' });
    expect(report.about('key')?.mark).toBe('ok');
    expect(report.about('anonymous')?.text).toBe('Who does not know the pre-shared key does not get in');
    expect(report.marks('exactly-once')).toEqual(['ok']);
  });

  it('says with or without TLS it is, the other way round', async () => {
    const { certFile, keyFile } = await certificates();
    const secure = await ConfiguredBroker.start(...(await settings(certFile, keyFile)));
    const port = portOf(secure);
    const plain = await examined(`mqtt://127.0.0.1:${port}`);
    expect(plain.about('mqtt')).toMatchObject({
      text: `Port ${port} takes TLS only`,
      advice: `With TLS: cauldron doctor mqtts://127.0.0.1:${port}`,
    });
    const open = await ConfiguredBroker.start();
    const tls = await examined(`mqtts://127.0.0.1:${portOf(open)}`, { timeout: 2 });
    expect(tls.about('version')?.mark).toBe('failure');
  });
});

describe.skipIf(!areInstalled('mosquitto'))("the doctor and Debian's Mosquitto", () => {
  it('finds an open one good for this machine', async () => {
    const target = mosquittoTarget(programPath('mosquitto'));
    try {
      const endpoint = await target.endpoint('plain');
      if (endpoint === null) throw new Error('Mosquitto has no plain arrangement');
      const report = await examined(`mqtt://${endpoint.host}:${endpoint.port}`);
      for (const check of ALL_WELL) {
        // Mosquitto 2.0 ends the connection without a DISCONNECT.
        expect([check, ...report.marks(check)]).toEqual([check, check === 'take-over' ? 'note' : 'ok']);
      }
      expect(report.about('sys-topics')).toMatchObject({ data: { version: expect.stringContaining('mosquitto') } });
      expect(report.verdict.exitStatus).toBe(0);
      const webSocket = await examined(endpoint.webSocketUrl ?? '');
      expect(webSocket.marks('retained')).toEqual(['ok']);
    } finally {
      await target.close();
    }
  });

  it('sees that one with passwords refuses strangers', async () => {
    const passwordFile = join(folder, 'mosquitto-passwords');
    const made = new RunningProgram(programPath('mosquitto_passwd'), ['-c', '-b', passwordFile, 'fry', 'slurm'], '');
    expect((await made.ended).exitCode).toBe(0);
    const port = await freePort();
    const config = join(folder, 'mosquitto.conf');
    writeFileSync(config, `listener ${port} 127.0.0.1\nuser root\npassword_file ${passwordFile}\n`);
    const broker = new RunningProgram(programPath('mosquitto'), ['-c', config]);
    await broker.shows('running');
    const report = await examined(`mqtt://127.0.0.1:${port}`, { username: 'fry', password: 'slurm' });
    expect(report.marks('anonymous')).toEqual(['ok']);
    expect(report.marks('wrong-password')).toEqual(['ok']);
    expect(report.verdict.exitStatus).toBe(0);
    await broker.stop();
  });
});
