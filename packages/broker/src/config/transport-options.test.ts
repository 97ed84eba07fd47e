import { describe, expect, it } from 'vitest';
import { ConfigError, type ListenerConfig } from './config.js';
import { readConfig } from './read-config.js';

function read(...lines: string[]) {
  return readConfig(lines.join('\n'), 'test.conf');
}

/** The only listener of a configuration; `lines` are about it. */
function listener(...lines: string[]): ListenerConfig {
  const { listeners } = read('listener 1883', ...lines);
  expect(listeners).toHaveLength(1);
  return listeners[0];
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

describe('a listener of which nothing is said', () => {
  it('stands behind no proxy, is on no device, and takes WebSockets from everywhere', () => {
    const { device, isHttpApi, proxy, socketMode, webSocket } = listener();
    expect({ device, isHttpApi, proxy }).toEqual({ device: null, isHttpApi: false, proxy: null });
    expect(webSocket).toEqual({ origins: [], path: null, maxHeaderBytes: 16_384 });
    expect(socketMode).toBe(0o770);
  });
});

describe('enable_proxy_protocol', () => {
  it('takes version 1, which knows nothing of TLS', () => {
    expect(listener('enable_proxy_protocol 1').proxy).toEqual({
      version: 1,
      requireTls: false,
      requireCertificate: false,
    });
  });

  it('takes version 2 with what is required of TLS, wherever the lines stand, and without certfile', () => {
    const { proxy, tls, policy } = listener(
      'require_certificate true',
      'proxy_protocol_v2_require_tls true',
      'use_identity_as_username true',
      'enable_proxy_protocol 2',
    );
    expect(proxy).toEqual({ version: 2, requireTls: true, requireCertificate: true });
    expect(tls).toBe(null);
    expect(policy.usernameFrom).toBe('identity');
  });

  it.each(['0', '3', 'true', 'v2'])('is not %s', (value) => {
    expect(problems('listener 1883', `enable_proxy_protocol ${value}`)).toEqual([
      `test.conf:2: enable_proxy_protocol must be 1 or 2, not '${value}'.`,
    ]);
  });

  it.each(['certfile /a.crt', 'keyfile /a.key', 'psk_hint hint'])('does not go with %s', (line) => {
    const [option] = line.split(' ');
    expect(problems('listener 1883', 'enable_proxy_protocol 2', line)).toContainEqual(
      expect.stringContaining(`test.conf:3: ${option} does not go with enable_proxy_protocol`),
    );
  });

  it('does not go with use_subject_as_username, as the proxy tells only the common name', () => {
    const found = problems('listener 1883', 'enable_proxy_protocol 2', 'use_subject_as_username true');
    expect(found).toEqual([expect.stringContaining('Use use_identity_as_username.')]);
  });

  it.each(['require_certificate', 'proxy_protocol_v2_require_tls', 'use_identity_as_username'])(
    'has to be 2 for %s',
    (option) => {
      const found = problems('listener 1883', 'enable_proxy_protocol 1', `${option} true`);
      expect(found).toEqual([expect.stringContaining(`test.conf:3: ${option} needs 'enable_proxy_protocol 2'`)]);
      expect(problems('listener 1883', 'enable_proxy_protocol 1', `${option} false`)).toEqual([]);
    },
  );

  it('has to be there for proxy_protocol_v2_require_tls', () => {
    const found = problems('listener 1883', 'proxy_protocol_v2_require_tls true');
    expect(found).toEqual([expect.stringContaining("needs 'enable_proxy_protocol 2'")]);
  });

  it('leaves options of TLS to the proxy, with a warning', () => {
    const { warnings } = read('listener 1883', 'enable_proxy_protocol 2', 'tls_version tlsv1.3', 'cafile /ca.crt');
    expect(warnings).toContainEqual(expect.stringContaining('test.conf:3: tls_version has no effect: the proxy'));
    expect(warnings).toContainEqual(expect.stringContaining('test.conf:4: cafile has no effect: the proxy'));
  });
});

describe('options of WebSockets', () => {
  it('are about one listener, and origins add up', () => {
    const { listeners } = read(
      'listener 1883',
      'websockets_origin https://example.com',
      'websockets_origin http://localhost:8080',
      'websockets_path /mqtt',
      'listener 1884',
    );
    expect(listeners.map(({ webSocket }) => webSocket)).toEqual([
      { origins: ['https://example.com', 'http://localhost:8080'], path: '/mqtt', maxHeaderBytes: 16_384 },
      { origins: [], path: null, maxHeaderBytes: 16_384 },
    ]);
  });

  it.each([
    ['https://example.com/', 'https://example.com'],
    ['https://Example.COM:443', 'https://example.com'],
    ['http://example.com:8080/app', 'http://example.com:8080'],
    ['null', 'null'],
    ['example.com', 'example.com'],
  ])('take the origin %s as browsers say it', (said, origin) => {
    expect(listener(`websockets_origin ${said}`).webSocket.origins).toEqual([origin]);
  });

  it.each(['mqtt', '/mqtt?a=b', '/mqtt#x', '/a b', 'http://example.com/mqtt'])('take no path like %s', (path) => {
    const [problem] = problems('listener 1883', `websockets_path ${path}`);
    expect(problem).toContain('websockets_path must be the path of a URL');
  });

  it.each([
    ['packet_buffer_size 4096', 4096],
    ['websockets_headers_size 4096', 4096],
    ['packet_buffer_size 1', 1024],
    ['packet_buffer_size 0', 1024],
  ])('have room for headers by %s', (line, bytes) => {
    expect(listener(line).webSocket.maxHeaderBytes).toBe(bytes);
  });
});

describe('protocol', () => {
  it.each(['mqtt', 'websockets'])('%s opens the listener for both', (protocol) => {
    expect(listener(`protocol ${protocol}`).isHttpApi).toBe(false);
  });

  it('http_api is no reason not to start, and opens nothing to MQTT', () => {
    const { listeners, warnings } = read('listener 1883', 'listener 9883', 'protocol http_api', 'http_dir /www');
    expect(listeners.map(({ port, isHttpApi }) => [port, isHttpApi])).toEqual([
      [1883, false],
      [9883, true],
    ]);
    expect(warnings).toContainEqual(
      expect.stringContaining('test.conf:3: protocol http_api: the listener is not opened'),
    );
  });

  it('mqttsn is refused', () => {
    expect(problems('listener 1883', 'protocol mqttsn')).toHaveLength(1);
  });
});

describe('unix_socket_mode', () => {
  it.each([
    ['660', 0o660],
    ['0777', 0o777],
    ['000', 0],
  ])('reads %s as octal', (text, mode) => {
    expect(read('listener 0 /a.sock', `unix_socket_mode ${text}`).listeners[0].socketMode).toBe(mode);
  });

  it.each(['66', '888', '1777', 'rw', '-60'])('is not %s', (text) => {
    expect(problems('listener 0 /a.sock', `unix_socket_mode ${text}`)).toEqual([expect.stringContaining('octal')]);
  });

  it('is in doubt for a listener with a port', () => {
    expect(read('listener 1883', 'unix_socket_mode 660').warnings).toEqual([
      'test.conf:2: unix_socket_mode has no effect: the listener has a port, and no Unix socket.',
    ]);
  });
});

it('bind_interface names a device, and has no effect for a Unix socket', () => {
  expect(listener('bind_interface eth0').device).toBe('eth0');
  const { warnings } = read('listener 0 /a.sock', 'bind_interface eth0', 'socket_domain ipv4');
  expect(warnings).toEqual([
    'test.conf:2: bind_interface has no effect: the listener has a Unix socket, and no address.',
    'test.conf:3: socket_domain has no effect: the listener has a Unix socket, and no address.',
  ]);
});
