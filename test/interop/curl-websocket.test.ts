import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];

describe.skipIf(!areInstalled('curl'))('curl', () => {
  let broker: BrokerProcess;
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-curl-'));
    path = join(folder, 'broker.sock');
    broker = await BrokerProcess.start([
      'websockets_origin https://example.com/',
      'packet_buffer_size 2048',
      `listener 0 ${path}`,
      'websockets_path /mqtt',
    ]);
  });

  afterAll(async () => {
    await broker?.stop();
    await killAll();
    rmSync(folder, { recursive: true });
  });

  const curl = (url: string, headers: readonly string[], ...flags: readonly string[]): RunningProgram => {
    const argv = [
      '-sS',
      '--http1.1',
      '-i',
      '-N',
      '--max-time',
      '30',
      ...headers.flatMap((header) => ['-H', header]),
      ...flags,
      url,
    ];
    return new RunningProgram(programPath('curl'), argv);
  };

  /** What a server says that gives a WebSocket, and then waits. curl shows it at once only as what it reports. */
  async function headOfWebSocket(...argv: Parameters<typeof curl>): Promise<string> {
    const program = curl(...argv, '-v');
    const [, head] = await program.showsMatch(/^((?:< [^\n]{2,}\n)+)< \r\n/m);
    await program.stop();
    return head.replaceAll(/^< /gm, '');
  }

  const url = (): string => `http://127.0.0.1:${broker.port}/mqtt`;
  const upgrade = (...more: readonly string[]): readonly string[] => [...UPGRADE, ...more];

  it.each([
    ['mqtt', 'mqtt'],
    ['mqttv3.1', 'mqttv3.1'],
    ['chat, mqttv3.1, mqtt', 'mqtt'],
  ])('is given a WebSocket for the subprotocols %s', async (offered, chosen) => {
    const head = await headOfWebSocket(url(), upgrade(`Sec-WebSocket-Protocol: ${offered}`));
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(head).toContain(`Sec-WebSocket-Protocol: ${chosen}\r\n`);
    expect(head).toContain('Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n');
  });

  it.each([
    ['no subprotocol', [], '400 Bad Request', 'Sec-WebSocket-Protocol: mqtt'],
    ['another subprotocol', ['Sec-WebSocket-Protocol: chat'], '400 Bad Request', 'Sec-WebSocket-Protocol: mqtt'],
    [
      'another origin',
      ['Sec-WebSocket-Protocol: mqtt', 'Origin: https://evil.example'],
      '403 Forbidden',
      'websockets_origin',
    ],
    [
      'a large header',
      ['Sec-WebSocket-Protocol: mqtt', `Cookie: ${'x'.repeat(3000)}`],
      '431 Request Header Fields Too Large',
      '2048 bytes',
    ],
  ])('is told what is wrong with %s', async (_, headers, status, text) => {
    const { stdout, exitCode } = await curl(url(), upgrade(...headers)).ended;
    const [head, body] = stdout.toString().split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n`));
    expect(body).toContain(text);
    expect(exitCode).toBe(0);
  });

  it('is let in with the origin of the configuration, which has a slash at its end', async () => {
    const headers = upgrade('Sec-WebSocket-Protocol: mqtt', 'Origin: https://example.com');
    expect(await headOfWebSocket(url(), headers)).toMatch(/^HTTP\/1\.1 101 /);
  });

  it.each([
    ['a page', []],
    ['the head of a page', ['-I']],
    ['to leave something', ['-d', 'a=b']],
    ['HTTP 2', ['--http2']],
  ])('is told what the port is for when it wants %s', async (_, flags) => {
    const { stdout } = await curl(`http://127.0.0.1:${broker.port}/`, [], ...flags).ended;
    expect(stdout.toString()).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
    if (!flags.includes('-I')) expect(stdout.toString()).toContain(`ws://127.0.0.1:${broker.port}/mqtt`);
    await broker.program.shows('it spoke HTTP and asked for no WebSocket');
  });

  it('is given a WebSocket at a Unix socket, at its path only', async () => {
    const headers = upgrade('Sec-WebSocket-Protocol: mqtt');
    expect(await headOfWebSocket('http://localhost/mqtt', headers, '--unix-socket', path)).toMatch(/^HTTP\/1\.1 101 /);
    const { stdout } = await curl('http://localhost/elsewhere', headers, '--unix-socket', path).ended;
    expect(stdout.toString()).toMatch(/^HTTP\/1\.1 404 /);
    await broker.program.shows(`New connection from ${path}:0 on port 0.`);
  });
});
