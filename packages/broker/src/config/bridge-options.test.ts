import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { readBridgeTopic } from './bridge-topic.js';
import { ConfigError } from './config.js';
import { readConfig } from './read-config.js';

const BRIDGE = ['connection cloud', 'address broker.example.org', 'topic #'];

function read(...lines: string[]) {
  return readConfig(lines.join('\n'), 'test.conf');
}

function bridge(...lines: string[]) {
  return read(...BRIDGE, ...lines).bridges[0];
}

function problems(...lines: string[]): readonly string[] {
  try {
    read(...lines);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a bridge', () => {
  it('has the defaults of Mosquitto', () => {
    expect(bridge()).toEqual({
      origin: { file: 'test.conf', line: 1 },
      name: 'cloud',
      addresses: [{ host: 'broker.example.org', port: 1883 }],
      isRoundRobin: false,
      bindAddress: null,
      startType: 'automatic',
      idleTimeoutMs: 60_000,
      threshold: 10,
      restart: { kind: 'jitter', baseMs: 5000, capMs: 30_000, stableMs: 0 },
      reload: 'lazy',
      topics: [
        {
          pattern: '#',
          direction: 'out',
          qos: 0,
          localPrefix: '',
          remotePrefix: '',
          localFilter: '#',
          remoteFilter: '#',
        },
      ],
      protocolVersion: 4,
      keepAliveS: 60,
      remoteClientId: `${hostname()}.cloud`,
      remoteUserName: null,
      remotePassword: null,
      isCleanSession: false,
      localClientId: `local.${hostname()}.cloud`,
      localUserName: null,
      localPassword: null,
      isLocalCleanSession: false,
      triesPrivate: true,
      unsubscribesOutTopics: true,
      keepsRetainOutgoing: true,
      notifications: { topic: `$SYS/broker/connection/${hostname()}.cloud/state`, isLocalOnly: false },
      receiveMaximum: null,
      maxTopicAliases: 10,
      sessionExpiryS: 0,
      maximumPacketSize: Number.POSITIVE_INFINITY,
      tcpKeepAlive: null,
      tcpUserTimeoutMs: null,
      tls: null,
    });
  });

  it.each([
    ['round_robin true', { isRoundRobin: true }],
    ['bridge_bind_address 192.0.2.1', { bindAddress: '192.0.2.1' }],
    ['start_type lazy', { startType: 'lazy' }],
    ['idle_timeout 5', { idleTimeoutMs: 5000 }],
    ['idle_timeout 0', { idleTimeoutMs: 1000 }],
    ['threshold 0', { threshold: 1 }],
    ['restart_timeout 7', { restart: { kind: 'constant', delayMs: 7000 } }],
    ['restart_timeout 0', { restart: { kind: 'constant', delayMs: 1000 } }],
    ['restart_timeout 2 9', { restart: { kind: 'jitter', baseMs: 2000, capMs: 9000, stableMs: 0 } }],
    [
      'restart_timeout 9999 9999 4',
      { restart: { kind: 'jitter', baseMs: 3_600_000, capMs: 7_200_000, stableMs: 4000 } },
    ],
    ['bridge_reload_type immediate', { reload: 'immediate' }],
    ['bridge_protocol_version mqttv50', { protocolVersion: 5 }],
    ['bridge_protocol_version mqttv31', { protocolVersion: 3 }],
    ['keepalive_interval 2', { keepAliveS: 5 }],
    ['keepalive_interval 300', { keepAliveS: 300 }],
    ['remote_clientid a', { remoteClientId: 'a', localClientId: 'local.a' }],
    ['clientid a', { remoteClientId: 'a' }],
    ['local_clientid b', { localClientId: 'b' }],
    ['remote_username u', { remoteUserName: 'u' }],
    ['username u', { remoteUserName: 'u' }],
    ['remote_password a b', { remotePassword: 'a b' }],
    ['password a#b', { remotePassword: 'a#b' }],
    ['local_username u', { localUserName: 'u' }],
    ['local_password p', { localPassword: 'p' }],
    ['cleansession true', { isCleanSession: true, isLocalCleanSession: true }],
    ['local_cleansession true', { isCleanSession: false, isLocalCleanSession: true }],
    ['try_private false', { triesPrivate: false }],
    ['bridge_attempt_unsubscribe false', { unsubscribesOutTopics: false }],
    ['bridge_outgoing_retain false', { keepsRetainOutgoing: false }],
    ['notifications false', { notifications: null }],
    ['notification_topic a/b', { notifications: { topic: 'a/b', isLocalOnly: false } }],
    ['notifications_local_only true', { notifications: { isLocalOnly: true } }],
    ['bridge_receive_maximum 3', { receiveMaximum: 3 }],
    ['bridge_max_topic_alias 0', { maxTopicAliases: 0 }],
    ['bridge_session_expiry_interval 60', { sessionExpiryS: 60 }],
    ['bridge_session_expiry_interval 4294967295', { sessionExpiryS: Number.POSITIVE_INFINITY }],
    ['bridge_max_packet_size 1000', { maximumPacketSize: 1000 }],
    ['bridge_tcp_keepalive 60 10 3', { tcpKeepAlive: { idleS: 60, intervalS: 10, count: 3 } }],
    ['bridge_tcp_user_timeout 500', { tcpUserTimeoutMs: 500 }],
    ['bridge_cafile /ca', { tls: { caFile: '/ca', psk: null, minVersion: 'TLSv1.2' } }],
    ['bridge_capath /cas', { tls: { caPath: '/cas' } }],
    ['bridge_tls_use_os_certs true', { tls: { usesSystemCas: true } }],
  ])('takes %s', (line, expected) => {
    expect(bridge(line)).toMatchObject(expected);
  });

  it.each([
    ['bridge_alpn mqtt', { alpn: 'mqtt' }],
    ['bridge_tls_version tlsv1.3', { minVersion: 'TLSv1.3' }],
    ['bridge_ciphers A:B', { ciphers: 'A:B' }],
    ['bridge_ciphers_tls1.3 C', { ciphersOfTls13: 'C' }],
    ['bridge_insecure true', { isInsecure: true }],
    ['bridge_require_ocsp true', { requiresOcsp: true }],
  ])('with TLS takes %s', (line, expected) => {
    expect(bridge('bridge_cafile /ca', line).tls).toMatchObject(expected);
    expect(bridge(line).tls).toBeNull();
  });

  it('has its own certificate or a pre-shared key', () => {
    expect(bridge('bridge_certfile /c', 'bridge_keyfile /k').tls).toMatchObject({ certFile: '/c', keyFile: '/k' });
    const { tls } = bridge('bridge_identity me', 'bridge_psk 00FF');
    expect(tls).toMatchObject({ psk: { identity: 'me', key: '00FF' }, caFile: null });
  });

  it('may have several addresses, each with a port', () => {
    const line = 'addresses one two:1884 [2001:db8::1]:1885 2001:db8::2:1886';
    expect(read('connection a', line, 'topic #').bridges[0].addresses).toEqual([
      { host: 'one', port: 1883 },
      { host: 'two', port: 1884 },
      { host: '2001:db8::1', port: 1885 },
      { host: '2001:db8::2', port: 1886 },
    ]);
  });

  it('goes on beside listeners, which keep their options', () => {
    const { listeners, bridges } = read(
      'listener 1884',
      ...BRIDGE,
      'max_qos 1',
      'connection b',
      'address c',
      'topic #',
    );
    expect(listeners.map(({ policy }) => policy.maximumQoS)).toEqual([1]);
    expect(bridges.map(({ name }) => name)).toEqual(['cloud', 'b']);
  });

  it('may have a comment behind its name', () => {
    expect(read('connection a # to the cloud', 'address b', 'topic #').bridges[0].name).toBe('a');
  });

  it('is not made yet, which one warning says for each', () => {
    expect(read(...BRIDGE, 'round_robin true').warnings).toEqual([
      "bridge 'cloud' (test.conf:1) is not made: this version has no bridges yet.",
    ]);
  });

  it('has a topic that stands there twice once', () => {
    expect(bridge('topic #', 'topic # out 1').topics.map(({ qos }) => qos)).toEqual([0, 1]);
  });
});

describe('a fault in a bridge is named with file and line', () => {
  it.each<[string[], string]>([
    [['connection a', 'topic #'], "1: the bridge 'a' has no address: 'address broker.example.org:1883'."],
    [['connection a', 'address b'], "1: the bridge 'a' has no topic: 'topic # both 1' exchanges everything."],
    [['connection'], '1: connection must be a text, and there is no value.'],
    [['connection a b', 'address b', 'topic #'], '1: connection is followed by a name without spaces.'],
    [[...BRIDGE, 'connection cloud', 'address a'], "4: connection 'cloud' is there already, at test.conf:1."],
    [['address a'], "1: address belongs to a bridge: 'connection NAME' has to stand above it."],
    [
      [...BRIDGE, 'address b'],
      '4: address is there already; write all addresses in one line, with spaces between them.',
    ],
    [
      ['connection a', 'address b:0', 'topic #'],
      "2: address must be one or more of host or host:port, separated by spaces; an IPv6 address needs the port, not 'b:0'.",
    ],
    [
      ['connection a', 'address [::1]', 'topic #'],
      "2: address must be one or more of host or host:port, separated by spaces; an IPv6 address needs the port, not '[::1]'.",
    ],
    [[...BRIDGE, 'start_type manual'], '4: start_type has no manual, as in Mosquitto; take automatic, lazy or once.'],
    [
      [...BRIDGE, 'restart_timeout 9 2'],
      '4: restart_timeout has its longest wait second, and that must not be below the first number.',
    ],
    [[...BRIDGE, 'restart_timeout x'], "4: restart_timeout must be one to three whole numbers of seconds, not 'x'."],
    [[...BRIDGE, 'bridge_tcp_keepalive 1 0 1'], '4: bridge_tcp_keepalive takes only numbers above 0.'],
    [[...BRIDGE, 'bridge_identity a'], '4: bridge_identity needs bridge_psk, its key.'],
    [[...BRIDGE, 'bridge_psk 00'], '4: bridge_psk needs bridge_identity, its name.'],
    [
      [...BRIDGE, 'bridge_psk 0x12'],
      "4: bridge_psk must be a key of hexadecimal digits, two for each byte, without 0x, not '0x12'.",
    ],
    [[...BRIDGE, 'bridge_certfile /a'], '4: bridge_certfile needs bridge_keyfile, its private key.'],
    [[...BRIDGE, 'bridge_keyfile /a'], '4: bridge_keyfile needs bridge_certfile, its certificate.'],
    [
      [...BRIDGE, 'bridge_identity a', 'bridge_psk 00', 'bridge_cafile /a'],
      "5: the bridge 'cloud' can have either a pre-shared key or certificates. Remove one of them.",
    ],
    [
      [...BRIDGE, 'local_clientid x', 'connection b', 'address c', 'topic #', 'local_clientid x'],
      "8: the bridges 'cloud' and 'b' have the same local_clientid 'x'. Give one of them another.",
    ],
  ])('%j', (lines, message) => {
    expect(problems(...lines)).toEqual([`test.conf:${message}`]);
  });

  it('and what follows a connection that is there already does not change the first one', () => {
    const found = problems(...BRIDGE, 'connection cloud', 'address other', 'topic a both 9');
    expect(found).toEqual([
      expect.stringContaining('test.conf:4'),
      "test.conf:6: topic has a QoS of 0, 1 or 2 behind the direction, not '9'.",
    ]);
  });
});

describe('a topic of a bridge', () => {
  const plain = { direction: 'out', qos: 0, localPrefix: '', remotePrefix: '' };

  it.each([
    ['a/#', { ...plain, pattern: 'a/#', localFilter: 'a/#', remoteFilter: 'a/#' }],
    ['a/# in', { direction: 'in', qos: 0 }],
    ['a/# BOTH 2', { direction: 'both', qos: 2 }],
    ['# both 1 here/ there/', { pattern: '#', localFilter: 'here/#', remoteFilter: 'there/#' }],
    ['# both 1 here/', { localFilter: 'here/#', remoteFilter: '#' }],
    ['# both 1 "" there/', { localPrefix: '', localFilter: '#', remoteFilter: 'there/#' }],
    ['"" out 1 here/a there/b', { pattern: '', localFilter: 'here/a', remoteFilter: 'there/b' }],
    ['"a b/+" in 1 "my house/" x/', { pattern: 'a b/+', localFilter: 'my house/a b/+', remoteFilter: 'x/a b/+' }],
    ['# in 1 # everything', { direction: 'in', qos: 1, localPrefix: '' }],
  ])('%s', (written, expected) => {
    expect(readBridgeTopic(written)).toMatchObject(expected);
  });

  it.each([
    ['# sideways', "has the direction out, in or both behind the pattern, not 'sideways'"],
    ['# in 3', "has a QoS of 0, 1 or 2 behind the direction, not '3'"],
    ['# in 1 a/ b/ c', "ends with two prefixes, so 'c' is too much; text with spaces stands in quotes"],
    ['# in 1 a/#', "takes no + or # in a prefix: 'a/#'"],
    ['"a b in', "must be closed with a quote: '\"a b in'"],
    ['# in 1 a', "makes 'a#', which is no topic filter; a prefix may have to end in /"],
    ['""', 'with the pattern "" maps one topic to another, and needs both: \'topic "" out 0 here/a there/b\''],
    ['"" in 1 a', 'with the pattern "" maps one topic to another, and needs both: \'topic "" out 0 here/a there/b\''],
  ])('%s is refused', (written, problem) => {
    expect(readBridgeTopic(written)).toBe(problem);
  });
});
