import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { BrokerProcess } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { CONNACK, connectPacket, listensOn, portsOf, sayConnect, seenAs } from './proxies/proxied-client.js';

describe.skipIf(!areInstalled('nginx', 'ngx_stream_module.so'))('a broker behind nginx', () => {
  let broker: BrokerProcess;
  let folder: string;
  let streamPort: number;
  let httpPort: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-nginx-'));
    broker = await BrokerProcess.start([
      'enable_proxy_protocol 1',
      ...['listener 0 127.0.0.1', 'listener_allow_anonymous true'],
      ...['websockets_path /mqtt', 'websockets_origin https://example.com'],
    ]);
    const [proxied, plain] = portsOf(broker);
    [streamPort, httpPort] = await Promise.all([freePort(), freePort()]);
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
      .join(' ');
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      `load_module ${programPath('ngx_stream_module.so')};
daemon off; master_process off; pid ${join(folder, 'pid')}; error_log stderr;
events {}
stream { server { listen 127.0.0.1:${streamPort}; proxy_pass 127.0.0.1:${proxied}; proxy_protocol on; } }
http {
  ${temporary}
  access_log off;
  server {
    listen 127.0.0.1:${httpPort};
    location /broker/ {
      proxy_pass http://127.0.0.1:${plain}/;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header X-Forwarded-For "192.0.2.99";
    }
  }
}
`,
    );
    const program = new RunningProgram(programPath('nginx'), ['-e', 'stderr', '-c', file]);
    await listensOn(streamPort, program);
    await listensOn(httpPort, program);
  });

  afterAll(async () => {
    await broker?.stop();
    await killAll();
    rmSync(folder, { recursive: true });
  });

  it('knows the address of a client that comes through a stream with the PROXY protocol', async () => {
    const socket = connect(streamPort, '127.0.0.1');
    expect(await sayConnect(socket, 'stream')).toBe(CONNACK);
    expect((await seenAs(broker, 'stream')).from).toBe(`127.0.0.1:${socket.localPort}`);
    socket.destroy();
  });

  const open = (path: string, origin: string) =>
    new WebSocket(`ws://127.0.0.1:${httpPort}${path}`, ['mqtt'], { origin });

  it('serves WebSockets through an HTTP location, and does not believe X-Forwarded-For', async () => {
    const webSocket = open('/broker/mqtt', 'https://example.com');
    webSocket.on('open', () => webSocket.send(connectPacket('web')));
    const answer = await new Promise<Buffer>((resolve, reject) => webSocket.on('message', resolve).on('error', reject));
    expect(answer.toString('hex')).toBe(CONNACK);
    expect(webSocket.protocol).toBe('mqtt');
    expect((await seenAs(broker, 'web')).from).toMatch(/^127\.0\.0\.1:/);
    webSocket.terminate();
  });

  it.each([
    ['another page', '/broker/mqtt', 'https://evil.example', 403],
    ['another path', '/broker/other', 'https://example.com', 404],
  ])('lets the answer to %s through', async (_, path, origin, status) => {
    const webSocket = open(path, origin);
    const answered = new Promise((resolve) =>
      webSocket.on('unexpected-response', (_request, { statusCode }) => resolve(statusCode)),
    );
    expect(await answered).toBe(status);
  });
});
