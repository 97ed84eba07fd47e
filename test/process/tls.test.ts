import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { CertificateAuthority, type Certificates, certificates } from '../support/certificates.js';
import { areInstalled, programPath } from '../support/programs.js';
import { RawConnection } from '../support/raw-connection.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const CONNECT = Buffer.from('100d00044d51545404020000000161', 'hex');
const CONNACK = '20020000';
const HALF_A_HELLO = '16 0301 0100 01';

describe.skipIf(!areInstalled('openssl'))('a broker with TLS', () => {
  let made: Certificates;
  let broker: BrokerProcess;
  let client: ConnectionOptions;

  beforeAll(async () => {
    made = await certificates();
    client = { ca: readFileSync(made.caFile), cert: readFileSync(made.clientCertFile), host: '127.0.0.1' };
    client = { ...client, key: readFileSync(made.clientKeyFile), servername: 'localhost' };
    broker = await BrokerProcess.start([
      'connect_timeout 1',
      `certfile ${made.certFile}`,
      `keyfile ${made.keyFile}`,
      `cafile ${made.caFile}`,
      'require_certificate true',
    ]);
  });

  afterAll(async () => {
    await broker?.stop();
    await killAll();
  });

  /** What the log says of why it let the client at this address go. */
  async function reasonFor(port: number | undefined): Promise<string> {
    const line = new RegExp(`^[A-Z][a-z ]+ 127\\.0\\.0\\.1 \\[127\\.0\\.0\\.1:${port}\\]: (.*)$`, 'm');
    return (await broker.program.showsMatch(line))[1];
  }

  async function isServed(): Promise<string> {
    const socket = connect({ ...client, port: broker.port });
    socket.write(CONNECT);
    const answer = await new Promise<Buffer>((resolve, reject) => socket.on('data', resolve).on('error', reject));
    socket.end(Buffer.from('e000', 'hex'));
    return answer.toString('hex');
  }

  it('takes MQTT', async () => {
    expect(await isServed()).toBe(CONNACK);
  });

  it('takes MQTT over WebSocket on the same port', async () => {
    const socket = new WebSocket(`wss://localhost:${broker.port}/mqtt`, ['mqtt'], { ...client });
    socket.on('open', () => socket.send(CONNECT));
    const answer = await new Promise<Buffer>((resolve, reject) => socket.on('message', resolve).on('error', reject));
    expect(answer.toString('hex')).toBe(CONNACK);
    socket.close();
  });

  it('tells a client that speaks without TLS from others, and says what to do, with its address', async () => {
    const connection = new RawConnection(broker.port);
    connection.socket.write(CONNECT);
    await new Promise((resolve) => connection.socket.on('connect', resolve));
    const { localPort } = connection.socket;
    expect((await connection.ended).length).toBe(0);
    expect(await reasonFor(localPort)).toContain('the client speaks MQTT without TLS, this listener only with it');
  });

  it('waits no longer than connect_timeout for a handshake', async () => {
    const connection = new RawConnection(broker.port);
    connection.send(HALF_A_HELLO);
    await new Promise((resolve) => connection.socket.on('connect', resolve));
    const { localPort } = connection.socket;
    await connection.ended;
    expect(await reasonFor(localPort)).toContain('not connected within connect_timeout');
  });

  it('serves others while connections are stuck in their handshakes, and lets them go when it stops', async () => {
    const other = await BrokerProcess.start([`certfile ${made.certFile}`, `keyfile ${made.keyFile}`]);
    const stuck = Array.from({ length: 20 }, () => new RawConnection(other.port));
    for (const connection of stuck) connection.send(HALF_A_HELLO);
    const socket = connect({ ...client, port: other.port });
    socket.write(CONNECT);
    const answer = await new Promise<Buffer>((resolve, reject) => socket.on('data', resolve).on('error', reject));
    expect(answer.toString('hex')).toBe(CONNACK);
    const ended = new Promise((resolve) => socket.on('close', resolve));
    await other.stop();
    await Promise.all([ended, ...stuck.map((connection) => connection.ended)]);
    expect((await other.program.ended).exitCode).toBe(0);
  });

  describe.skipIf(!areInstalled('mosquitto_pub', 'mosquitto_sub'))("and Mosquitto's clients", () => {
    const trusting = () => ['--cafile', made.caFile];
    const known = () => [...trusting(), '--cert', made.clientCertFile, '--key', made.clientKeyFile];

    const run = (program: 'mosquitto_pub' | 'mosquitto_sub', flags: readonly string[]) => {
      const to = ['-h', 'localhost', '-p', String(broker.port)];
      return new RunningProgram(programPath(program), [...to, ...flags]);
    };

    it.each(['tlsv1.2', 'tlsv1.3'])('carries messages of any size with %s', async (version) => {
      const flags = [...known(), '--tls-version', version, '-q', '1', '-t', `tls/${version}`];
      const id = `sub-${version}`;
      const subscriber = run('mosquitto_sub', [...flags, '-i', id, '-C', '2', '-F', '%l']);
      await broker.hasSubscribed(id, `tls/${version}`);
      const large = join(made.folder, 'large');
      writeFileSync(large, Buffer.alloc(1_500_000, 'x'));
      for (const message of [
        ['-m', 'hello'],
        ['-f', large],
      ]) {
        expect((await run('mosquitto_pub', [...flags, ...message]).ended).exitCode).toBe(0);
      }
      expect((await subscriber.ended).stdout.toString()).toBe('5\n1500000\n');
    });

    it('names what is missing when they have no certificate, or not the CA', async () => {
      const nobody = await run('mosquitto_pub', [...trusting(), '-t', 'x', '-m', 'x']).ended;
      expect(nobody.exitCode).not.toBe(0);
      await broker.program.shows('TLS: the client showed no certificate, and require_certificate is true');
      const foreign = new CertificateAuthority(made.folder, 'foreign').caFile;
      const distrustful = await run('mosquitto_pub', ['--cafile', foreign, '-t', 'x', '-m', 'x']).ended;
      expect(distrustful.exitCode).not.toBe(0);
      await broker.program.shows("TLS: the client does not trust the server's certificate: it needs");
    });
  });

  it('goes on after all of that', async () => {
    expect(await isServed()).toBe(CONNACK);
    expect(broker.program.shown).not.toMatch(/^Error/m);
  });
});

describe.skipIf(!areInstalled('openssl'))('a broker that cannot speak TLS as its configuration says', () => {
  let made: Certificates;
  let folder: string;

  beforeAll(async () => {
    made = await certificates();
    folder = mkdtempSync(join(tmpdir(), 'cauldron-tls-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const outcomeOf = (...lines: readonly string[]) => {
    const file = join(folder, 'test.conf');
    writeFileSync(file, ['log_timestamp false', 'listener 0 127.0.0.1', ...lines].join('\n'));
    return runCauldron(['broker', '-c', file], '').ended;
  };

  it.each<[string, () => string[], RegExp]>([
    [
      'a file that is not there',
      () => ['certfile /nowhere/a.crt', `keyfile ${made.keyFile}`],
      /^Error: \S+:3: certfile \/nowhere\/a\.crt cannot be read: ENOENT/m,
    ],
    [
      'a key of another certificate',
      () => [`certfile ${made.certFile}`, `keyfile ${made.clientKeyFile}`],
      /^Error: \S+:4: keyfile \S+ is not the private key of certfile \S+\. Give the two that were made together\.$/m,
    ],
    [
      'ciphers that do not exist',
      () => [`certfile ${made.certFile}`, `keyfile ${made.keyFile}`, 'ciphers NONSENSE'],
      /^Error: \S+:5: ciphers NONSENSE has no name that OpenSSL knows\. 'openssl ciphers -v'/m,
    ],
  ])('ends with 1, and names what is wrong: %s', async (_, lines, message) => {
    const { stderr, exitCode } = await outcomeOf(...lines());
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('Opening');
    expect(exitCode).toBe(1);
  });

  it('ends with 3 when the options do not go together', async () => {
    const { stderr, exitCode } = await outcomeOf(`certfile ${made.certFile}`);
    expect(stderr).toBe(
      `Error: ${join(folder, 'test.conf')}:3: certfile needs keyfile, its private key: 'keyfile /path/to/server.key'.\n`,
    );
    expect(exitCode).toBe(3);
  });
});
