import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { CertificateAuthority, type CertificateFiles, certificates } from '../support/certificates.js';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';

const CONNACK = '20020000';
const PINGREQ = Buffer.from('c000', 'hex');

/** An MQTT client with nothing but its id. */
class TlsClient {
  readonly id: string;
  readonly ended: Promise<unknown>;
  readonly #socket: TLSSocket;

  private constructor(id: string, options: ConnectionOptions) {
    this.id = id;
    this.#socket = connect(options);
    this.#socket.on('error', () => {});
    this.ended = new Promise((resolve) => this.#socket.on('close', resolve));
  }

  static async open(id: string, options: ConnectionOptions): Promise<TlsClient> {
    const client = new TlsClient(id, options);
    const header = Buffer.from([0x10, 12 + id.length, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, id.length]);
    expect(await client.#answer(Buffer.concat([header, Buffer.from(id)]))).toBe(CONNACK);
    return client;
  }

  /** Whether it is connected still: it is asked. */
  async isServed(): Promise<boolean> {
    return (await this.#answer(PINGREQ)) === 'd000';
  }

  #answer(bytes: Uint8Array): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#socket.once('data', (chunk: Buffer) => resolve(chunk.toString('hex')));
      void this.ended.then(() => reject(new Error('It was ended')));
      this.#socket.write(bytes);
    });
  }

  end(): void {
    this.#socket.destroy();
  }
}

describe.skipIf(!areInstalled('openssl'))('a reload with other files for TLS', () => {
  let folder: string;
  let ca: CertificateAuthority;
  let server: CertificateFiles;
  let broker: BrokerProcess | null = null;
  let clients: TlsClient[] = [];

  beforeAll(async () => {
    folder = join((await certificates()).folder, 'reload');
    mkdirSync(folder);
    ca = new CertificateAuthority(folder, 'ca');
    server = ca.issue('server', { subject: '/CN=localhost', use: 'server', hosts: 'DNS:localhost' });
  });

  afterEach(async () => {
    for (const client of clients) client.end();
    clients = [];
    await broker?.stop();
    broker = null;
  });

  afterAll(() => killAll());

  async function open(id: string, options: ConnectionOptions): Promise<TlsClient> {
    const trusting = { host: '127.0.0.1', port: broker?.port, ca: readFileSync(ca.caFile), servername: 'localhost' };
    const client = await TlsClient.open(id, { ...trusting, ...options });
    clients.push(client);
    return client;
  }

  const withCertificate = (name: string) => {
    const files = ca.issue(name, { subject: `/CN=${name}`, use: 'client' });
    return { files, options: { cert: readFileSync(files.certFile), key: readFileSync(files.keyFile) } };
  };

  const ofServer = () => [`certfile ${server.certFile}`, `keyfile ${server.keyFile}`];

  it('ends clients whose certificates are on the new list, and no others', async () => {
    const [kept, lost] = [withCertificate('kept'), withCertificate('lost')];
    const lines = [...ofServer(), `cafile ${ca.caFile}`, 'require_certificate true', `crlfile ${ca.list('one')}`];
    broker = await BrokerProcess.start(lines);
    const [staying, leaving] = [await open('kept', kept.options), await open('lost', lost.options)];
    expect(await broker.reload(lines)).toBe(true);
    expect([await staying.isServed(), await leaving.isServed()]).toEqual([true, true]);
    ca.revoke(lost.files);
    ca.list('one');
    expect(await broker.reload(lines)).toBe(true);
    await leaving.ended;
    expect(await staying.isServed()).toBe(true);
    await broker.program.showsMatch(/ lost \[.*the client's certificate was revoked by CN=ca,O=Cauldron on .* GMT/);
    await expect(open('lost', lost.options)).rejects.toThrow('It was ended');
  });

  it('ends clients whose CA is gone', async () => {
    const device = withCertificate('device');
    const other = new CertificateAuthority(folder, 'other');
    const lines = (caFile: string) => [...ofServer(), `cafile ${caFile}`, 'require_certificate true'];
    broker = await BrokerProcess.start(lines(ca.caFile));
    const client = await open('device', device.options);
    expect(await broker.reload(lines(other.caFile))).toBe(true);
    await client.ended;
    await broker.program.shows("the CA of the client's certificate is no longer in cafile or capath");
  });

  it('ends clients whose pre-shared keys are gone or others, and no others', async () => {
    const keys = join(folder, 'keys');
    const lines = ['psk_hint x', `psk_file ${keys}`];
    const options = (identity: string): ConnectionOptions => ({
      pskCallback: () => ({ identity, psk: Buffer.from(identity) }),
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
      ciphers: 'PSK',
      checkServerIdentity: () => undefined,
    });
    const line = (identity: string, key = identity) => `${identity}:${Buffer.from(key).toString('hex')}\n`;
    writeFileSync(keys, line('a') + line('b') + line('c'));
    broker = await BrokerProcess.start(lines);
    const [a, b, c] = [await open('a', options('a')), await open('b', options('b')), await open('c', options('c'))];
    writeFileSync(keys, line('a') + line('b', 'another'));
    expect(await broker.reload(lines)).toBe(true);
    await Promise.all([b.ended, c.ended]);
    expect(await a.isServed()).toBe(true);
    await broker.program.shows('the key of its identity in psk_file has changed');
    await broker.program.shows('its identity is no longer in psk_file');
  });

  it('with a bad one of them changes nothing', async () => {
    const device = withCertificate('patient');
    const list = ca.list('bad');
    const lines = [...ofServer(), `cafile ${ca.caFile}`, 'require_certificate true', `crlfile ${list}`];
    broker = await BrokerProcess.start(lines);
    const client = await open('patient', device.options);
    writeFileSync(list, 'nothing');
    expect(await broker.reload(lines)).toBe(false);
    await broker.program.showsMatch(
      /test\.conf:\d+: crlfile \S+ has no revocation list in PEM\. Is it the right file\?/,
    );
    expect(await client.isServed()).toBe(true);
    expect(await (await open('patient-2', device.options)).isServed()).toBe(true);
  });
});

describe.skipIf(!areInstalled('openssl'))('--tls-keylog', () => {
  it('writes the secrets of connections, and says so', async () => {
    const { certFile, keyFile, caFile } = await certificates();
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-key-log-'));
    const file = join(folder, 'keys');
    const broker = await BrokerProcess.start([`certfile ${certFile}`, `keyfile ${keyFile}`], ['--tls-keylog', file]);
    const options = { host: '127.0.0.1', port: broker.port, ca: readFileSync(caFile), servername: 'localhost' };
    (await TlsClient.open('a', options)).end();
    await broker.program.shows(`Warning: the secrets of TLS connections are written to ${file} (--tls-keylog).`);
    await broker.stop();
    expect(readFileSync(file, 'utf8')).toMatch(/^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{96}$/m);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    rmSync(folder, { recursive: true });
  });
});
