import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../command-line/arguments.js';
import { CONNECTION_FLAGS, connectionTarget } from './connection-flags.js';

/** Any file will do: what is in it counts when it is used. */
const CA_FILE = fileURLToPath(import.meta.url);

function target(...argv: string[]) {
  return connectionTarget(parseArguments(CONNECTION_FLAGS, argv));
}

describe('where to connect to', () => {
  it.each([
    [[], 'mqtt://localhost', null],
    [['-h', 'there', '-p', '1884'], 'mqtt://there:1884', null],
    [['-h', '::1'], 'mqtt://[::1]', null],
    [['--ws'], 'ws://localhost:1883/', null],
    [['--ws', '-p', '80'], 'ws://localhost/', null],
    [['-L', 'mqtt://there:1884/a/b'], 'mqtt://there:1884', 'a/b'],
    [['-L', 'mqtt://there/a/#'], 'mqtt://there', 'a/#'],
    [['-L', 'mqtt://there//a?b'], 'mqtt://there', '/a?b'],
    [['-L', 'mqtt://there'], 'mqtt://there', null],
    [['-L', 'mqtt://anna:secret@there/a', '-p', '5'], 'mqtt://there:5', 'a'],
    [['-L', 'wss://there/a'], 'wss://there/', 'a'],
    [['-L', 'mqtts://there/a'], 'mqtts://there', 'a'],
    [['-p', '8883'], 'mqtts://localhost:8883', null],
    [['-p', '8883', '--no-tls'], 'mqtt://localhost:8883', null],
    [['--cafile', CA_FILE], 'mqtts://localhost', null],
    [['--cafile', CA_FILE, '--ws'], 'wss://localhost:8883/', null],
    [['--psk', 'c0ffee', '--psk-identity', 'me', '-p', '1'], 'mqtts://localhost:1', null],
    [['--unix', '/run/my broker'], 'unix:///run/my%20broker', null],
  ])('%j is %s and topic %s', (argv, url, topic) => {
    const found = target(...argv);
    expect(found.url.href).toBe(url);
    expect(found.topic).toBe(topic);
  });
});

describe('TLS', () => {
  it('has the options that the flags say', () => {
    const { tls } = target('--psk', 'c0ffee', '--psk-identity', 'me', '--tls-version', 'tlsv1.3', '--insecure').options;
    const key = Buffer.from('c0ffee', 'hex');
    expect(tls).toEqual({ psk: { identity: 'me', key }, minVersion: 'TLSv1.3', insecure: true });
    const file = readFileSync(CA_FILE);
    const files = ['--cafile', CA_FILE, '--cert', CA_FILE, '--key', CA_FILE, '--ciphers', 'A:B', '--tls-alpn', 'mqtt'];
    const expected = { ca: [file], cert: file, key: file, ciphers: 'A:B', alpn: ['mqtt'] };
    expect(target(...files).options.tls).toEqual(expected);
    expect(target('-h', 'there').options.tls).toBeUndefined();
  });

  it.each([
    [['--cafile', '/nowhere/ca.crt'], '--cafile cannot be read: ENOENT'],
    [['--capath', '/nowhere'], '--capath cannot be read: ENOENT'],
    [['--cafile', CA_FILE, '--cert', CA_FILE], '--cert and --key go together'],
    [['--psk', 'c0ffee'], '--psk and --psk-identity go together'],
    [['--psk', 'xyz', '--psk-identity', 'me'], '--psk is a key of hexadecimal digits'],
    [['--psk', 'aa', '--psk-identity', 'me', '--cafile', CA_FILE], '--psk is instead of certificates'],
    [['--cafile', CA_FILE, '--no-tls'], '--no-tls does not go with flags that ask for TLS'],
    [['--cafile', CA_FILE, '--tls-engine', 'x'], 'There are no engines'],
    [['--unix', '/a', '-h', 'there'], '--unix is instead of -h, -p, -S, --ws, --proxy and TLS'],
  ])('%j: %s', (argv, message) => {
    expect(() => target(...argv)).toThrow(message);
  });
});

describe('how to connect', () => {
  it('has the defaults of Mosquitto', () => {
    expect(target().options).toEqual({
      reconnect: false,
      protocolVersion: 4,
      clean: true,
      keepAliveSeconds: 60,
      maximumInflight: 20,
    });
  });

  it.each([
    ['31', 3],
    ['mqttv31', 3],
    ['311', 4],
    ['mqttv311', 4],
    ['5', 5],
    ['mqttv5', 5],
  ])('-V %s is protocol version %i', (text, version) => {
    expect(target('-V', text).options.protocolVersion).toBe(version);
  });

  it('carries every option on', () => {
    const argv = ['-i', 'me', '-c', '-u', 'anna', '-P', 'secret', '-k', '5', '-M', '7', '-x', '90'];
    const will = ['--will-topic', 'w', '--will-payload', 'x', '--will-qos', '1', '--will-retain'];
    expect(target(...argv, ...will).options).toEqual({
      reconnect: false,
      protocolVersion: 5,
      clean: false,
      clientId: 'me',
      username: 'anna',
      password: 'secret',
      keepAliveSeconds: 5,
      maximumInflight: 7,
      sessionExpiryInterval: 90,
      will: { topic: 'w', payload: 'x', qos: 1, retain: true, properties: {} },
    });
  });

  it.each([
    ['mqtt://anna:secret@there/a', { username: 'anna', password: 'secret' }],
    ['mqtt://an%20na:a%2Fb%40c@there/a', { username: 'an na', password: 'a/b@c' }],
    ['ws://anna:100%@there/a', { username: 'anna', password: '100%' }],
    ['mqtts://anna@there', { username: 'anna' }],
  ])('takes user name and password of %s', (url, expected) => {
    const { username, password } = target('-L', url).options;
    expect({ username, password }).toEqual(expected);
  });

  it('takes -u and -P rather than those of -L', () => {
    const { options } = target('-L', 'mqtt://anna:secret@there/a', '-u', 'bob', '-P', 'other');
    expect(options).toMatchObject({ username: 'bob', password: 'other' });
  });

  it('sends no password with --scram, and speaks MQTT 5', () => {
    const { options, url } = target('-L', 'mqtt://anna:secret@there', '--scram');
    expect(options).toMatchObject({ protocolVersion: 5, authentication: { method: 'SCRAM-SHA-256' } });
    expect([options.username, options.password, url.href]).toEqual([undefined, undefined, 'mqtt://there']);
  });

  it('goes the way through the network that the flags say', () => {
    const { options, isDomain } = target(
      '--proxy',
      'socks5h://an%40na:100%@there:1',
      '-A',
      '127.0.0.2',
      '--nodelay',
      '-S',
    );
    expect(options.network).toEqual({ proxy: expect.any(URL), localAddress: '127.0.0.2', noDelay: true });
    expect(String(options.network?.proxy)).toBe('socks5h://an%40na:100%25@there:1');
    expect(isDomain).toBe(true);
    expect(target().options.network).toBeUndefined();
  });

  it('makes a client id of the prefix and the process id', () => {
    expect(target('-I', 'tool-').options.clientId).toBe(`tool-${process.pid}`);
  });

  it.each(['-1', 'inf', '∞', '4294967295'])('-x %s is for ever', (text) => {
    expect(target('-x', text).options.sessionExpiryInterval).toBe(0xffffffff);
  });

  it('sorts properties by packet, and speaks MQTT 5 for them', () => {
    const { options, properties } = target(
      ...['-D', 'CONNECT', 'receive-maximum', '9', '-D', 'connect', 'request-problem-information', '0'],
      ...['-D', 'connect', 'user-property', 'a', '1', '-D', 'connect', 'user-property', 'b', '2'],
      ...['-D', 'publish', 'correlation-data', 'xy', '-D', 'subscribe', 'subscription-identifier', '3'],
      ...['-D', 'disconnect', 'session-expiry-interval', '4'],
      ...['--will-topic', 'w', '-D', 'will', 'will-delay-interval', '5'],
    );
    expect(options).toMatchObject({
      protocolVersion: 5,
      receiveMaximum: 9,
      requestProblemInformation: false,
      userProperties: [
        ['a', '1'],
        ['b', '2'],
      ],
      will: { properties: { willDelayInterval: 5 } },
    });
    expect(properties.publish).toEqual({ correlationData: new TextEncoder().encode('xy') });
    expect(properties.subscribe).toEqual({ subscriptionIdentifiers: [3] });
    expect(properties.disconnect).toEqual({ sessionExpiryInterval: 4 });
  });
});

it('proves who it is by a method and data that were given', async () => {
  const proof = ['-D', 'connect', 'authentication-method', 'token', '-D', 'connect', 'authentication-data', 'xyz'];
  const { authentication } = target(...proof).options;
  expect(authentication?.method).toBe('token');
  const exchange = await authentication?.begin();
  expect(exchange?.data).toEqual(new TextEncoder().encode('xyz'));
  await expect(exchange?.respond(undefined)).rejects.toThrow('The broker asks for more, and token is not known here');
});

describe('what makes no sense', () => {
  it.each([
    [['-i', 'a', '-I', 'b'], '-i and -I cannot be used together'],
    [['-c'], '-c needs -i'],
    [['-i', ''], '-i is not empty'],
    [['-P', 'secret'], '-P needs -u'],
    [['-D', 'connect', 'authentication-data', 'x'], 'authentication-data needs authentication-method'],
    [['--scram', '-u', 'anna'], '--scram needs -u and -P'],
    [['--proxy', 'http://there'], '--proxy is socks5h://[USER[:PASSWORD]@]HOST[:PORT], not "http://there"'],
    [['--proxy', 'there:1'], '--proxy is socks5h://'],
    [['-h', ''], '-h is the name or the address of a host'],
    [['-L', 'http://there/a'], '-L is mqtt://host/topic'],
    [['-L', 'mqtt://th ere/a'], '-L is no URL'],
    [['-x', 'soon'], '-x is a number of seconds'],
    [['--will-payload', 'x'], 'A will needs --will-topic'],
    [['-D', 'will', 'will-delay-interval', '5'], 'A will needs --will-topic'],
    [['--will-topic', 'a/#'], 'a/#'],
    [['-D', 'conect', 'receive-maximum', '1'], "Unknown packet 'conect' after -D. Did you mean connect?"],
    [['-D', 'connect', 'recieve-maximum', '1'], "Unknown property 'recieve-maximum'. Did you mean receive-maximum?"],
    [['-D', 'connect', 'toString', '1'], "Unknown property 'toString'."],
    [['-D', 'connect', 'receive-maximum', '0'], 'receive-maximum is a whole number from 1 to 65535, not "0"'],
    [['-D', 'connect', 'topic-alias', '1'], "CONNECT has no property 'topic-alias', but publish can."],
    [['-D', 'connect', 'user-property', 'a'], '-D needs'],
  ])('%j is refused: %s', (argv, message) => {
    expect(() => target(...argv)).toThrow(message);
  });
});
