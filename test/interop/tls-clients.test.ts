import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync, type IClientOptions } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { CertificateAuthority, type CertificateFiles, certificates } from '../support/certificates.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

/** Keys of all shapes: also those whose first byte is 0, which a number would lose. */
const KEYS = {
  plain: '0123456789abcdef0123456789abcdef',
  zeros: '00000123456789abcdef0123456789ab',
  long: 'c0'.repeat(64),
};

/** Paho for Python: publishes to a topic that it is subscribed to. */
const PAHO = `
import ssl, sys
import paho.mqtt.client as mqtt
host, port, ca, cert, key, version = sys.argv[1:]
options = {"clean_session": True} if version == "4" else {}
client = mqtt.Client("paho", protocol=int(version), **options)
client.tls_set(ca, cert, key, tls_version=ssl.PROTOCOL_TLS_CLIENT)
client.on_connect = lambda c, *_: c.subscribe("paho/#", 1)
client.on_subscribe = lambda c, *_: c.publish("paho/x", "hello", 1)
def on_message(c, _, message):
    print(message.topic, message.payload.decode(), flush=True)
    c.disconnect()
client.on_message = on_message
client.connect(host, int(port))
client.loop_forever()
`;

describe.skipIf(!areInstalled('openssl'))('clients with certificates and pre-shared keys', () => {
  let folder: string;
  let ca: CertificateAuthority;
  let device: CertificateFiles;
  let revoked: CertificateFiles;
  let expired: CertificateFiles;
  let broker: BrokerProcess;
  let pskBroker: BrokerProcess;

  beforeAll(async () => {
    folder = join((await certificates()).folder, 'clients');
    mkdirSync(folder);
    ca = new CertificateAuthority(folder, 'ca');
    const hosts = 'DNS:localhost,IP:127.0.0.1';
    const server = ca.issue('server', { subject: '/CN=localhost', use: 'server', hosts, key: 'rsa' });
    device = ca.issue('device', { subject: '/CN=device', use: 'client', key: 'rsa' });
    revoked = ca.issue('revoked', { subject: '/CN=revoked', use: 'client' });
    const past = { validFrom: new Date(Date.now() - 2e8), validTo: new Date(Date.now() - 1e8) };
    expired = ca.issue('expired', { subject: '/CN=expired', use: 'client', ...past });
    ca.revoke(revoked);
    broker = await BrokerProcess.start([
      `certfile ${server.certFile}`,
      `keyfile ${server.keyFile}`,
      `cafile ${ca.caFile}`,
      'require_certificate true',
      'use_identity_as_username true',
      `crlfile ${ca.list('clients')}`,
    ]);
    const keys = join(folder, 'keys');
    writeFileSync(
      keys,
      Object.entries(KEYS)
        .map(([identity, key]) => `${identity}:${key}\n`)
        .join(''),
    );
    pskBroker = await BrokerProcess.start(['psk_hint hint', `psk_file ${keys}`]);
  });

  afterAll(async () => {
    await broker?.stop();
    await pskBroker?.stop();
    await killAll();
  });

  describe.skipIf(!areInstalled('mosquitto_pub', 'mosquitto_sub'))("Mosquitto's:", () => {
    const certificateOf = ({ certFile, keyFile }: CertificateFiles) => [
      '--cafile',
      ca.caFile,
      '--cert',
      certFile,
      '--key',
      keyFile,
    ];

    async function roundTrip(on: BrokerProcess, id: string, flags: readonly string[]): Promise<string> {
      const to = ['-h', 'localhost', '-p', String(on.port), ...flags, '-t', id, '-q', '1'];
      const subscriber = new RunningProgram(programPath('mosquitto_sub'), [...to, '-i', id, '-C', '1']);
      await on.hasSubscribed(id, id);
      const { exitCode } = await new RunningProgram(programPath('mosquitto_pub'), [...to, '-m', 'hello']).ended;
      expect(exitCode).toBe(0);
      return (await subscriber.ended).stdout.toString();
    }

    it.each(['tlsv1.2', 'tlsv1.3'])('a certificate gets in with %s, and is the user name', async (version) => {
      const flags = [...certificateOf(device), '--tls-version', version];
      expect(await roundTrip(broker, `device-${version}`, flags)).toBe('hello\n');
      await broker.program.showsMatch(new RegExp(` as device-${version.replace('.', '\\.')} \\(.* u'device'`));
    });

    it.each([
      ['was revoked', () => revoked, /the client's certificate \(CN=revoked\) was revoked by CN=ca,O=Cauldron on/],
      ['expired', () => expired, /the client's certificate \(CN=expired\) expired on/],
    ])('a certificate that %s does not', async (_, files, message) => {
      const to = ['-h', 'localhost', '-p', String(broker.port), ...certificateOf(files()), '-t', 'x', '-m', 'x'];
      expect((await new RunningProgram(programPath('mosquitto_pub'), to).ended).exitCode).not.toBe(0);
      await broker.program.showsMatch(message);
    });

    it.each(Object.entries(KEYS))('the pre-shared key "%s" gets in', async (identity, key) => {
      expect(await roundTrip(pskBroker, `psk-${identity}`, ['--psk-identity', identity, '--psk', key])).toBe('hello\n');
    });

    it('a pre-shared key works with TLS 1.2, too', async () => {
      const flags = ['--psk-identity', 'plain', '--psk', KEYS.plain, '--tls-version', 'tlsv1.2'];
      expect(await roundTrip(pskBroker, 'psk-1.2', flags)).toBe('hello\n');
    });

    it.each([
      ['nobody', KEYS.plain, "the client's PSK identity 'nobody' is not in psk_file"],
      ['plain', KEYS.zeros, "the client's key for the PSK identity 'plain' is not the one in psk_file"],
    ])('the pre-shared key of %s that is not known does not', async (identity, key, message) => {
      const to = ['-h', 'localhost', '-p', String(pskBroker.port), '--psk-identity', identity, '--psk', key];
      const program = new RunningProgram(programPath('mosquitto_pub'), [...to, '-t', 'x', '-m', 'x']);
      expect((await program.ended).exitCode).not.toBe(0);
      await pskBroker.program.shows(message);
    });
  });

  it.skipIf(!areInstalled('python3')).each(['4', '5'])(
    'Paho for Python with a certificate, version %s',
    async (version) => {
      const { certFile, keyFile } = device;
      const argv = ['-c', PAHO, 'localhost', String(broker.port), ca.caFile, certFile, keyFile, version];
      const { stdout, stderr } = await new RunningProgram(programPath('python3'), argv).ended;
      expect([stdout.toString(), stderr]).toEqual(['paho/x hello\n', expect.not.stringContaining('Traceback')]);
    },
  );

  it.each(['mqtts', 'wss'])('MQTT.js with a certificate, by %s', async (protocol) => {
    const [cert, key] = [device.certFile, device.keyFile].map((file) => readFileSync(file));
    const options: IClientOptions = { ca: readFileSync(ca.caFile), cert, key, reconnectPeriod: 0, protocolVersion: 5 };
    const client = await connectAsync(`${protocol}://localhost:${broker.port}/mqtt`, options);
    const topic = `mqttjs/${protocol}`;
    const received = new Promise((resolve) => client.on('message', (_, payload) => resolve(payload.toString())));
    await client.subscribeAsync(topic, { qos: 1 });
    await client.publishAsync(topic, 'hello', { qos: 1 });
    expect(await received).toBe('hello');
    await client.endAsync();
  });

  it.each(['mqtts', 'wss'])(
    'MQTT.js without a certificate is refused by %s, and the log says what is missing',
    async (protocol) => {
      const options: IClientOptions = { ca: readFileSync(ca.caFile), reconnectPeriod: 0, clientId: `none-${protocol}` };
      await expect(connectAsync(`${protocol}://localhost:${broker.port}/mqtt`, options)).rejects.toThrow();
      await broker.program.shows('the client showed no certificate, and require_certificate is true');
    },
  );
});
