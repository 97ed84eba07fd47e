import { createHash, randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Target } from './target.js';
import { WebSocketStream } from './websocket-stream.js';

/** What an HTTP server answered. */
export interface HttpAnswer {
  readonly status: number;
  /** What stands beside the status. */
  readonly reason: string;
  /** By their names in small letters. */
  readonly headers: ReadonlyMap<string, string>;
}

/** The server did not become a WebSocket. */
export class UpgradeRefused extends Error {
  override readonly name = 'UpgradeRefused';
  /** Null: what came was no HTTP, or nothing. */
  readonly answer: HttpAnswer | null;

  constructor(message: string, answer: HttpAnswer | null) {
    super(message);
    this.answer = answer;
  }
}

export interface Upgraded {
  readonly stream: Duplex;
  readonly answer: HttpAnswer;
}

/** More than any server says about itself. */
const MAXIMUM_HEAD_BYTES = 65_536;
const HEAD_END = '\r\n\r\n';
/** RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Asks for a WebSocket with MQTT in it (RFC 6455, section 4). @throws (rejects) UpgradeRefused */
export async function upgrade(socket: Duplex, target: Target, path: string): Promise<Upgraded> {
  const key = randomBytes(16).toString('base64');
  const { host, port, isTls, timeoutMs } = target;
  const name = host.includes(':') ? `[${host}]` : host;
  const authority = port === (isTls ? 443 : 80) ? name : `${name}:${port}`;
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${authority}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: mqtt', // [MQTT-6.0.0-3]
  ];
  socket.write(`${lines.join('\r\n')}${HEAD_END}`);
  const { head, rest } = await readHead(socket, timeoutMs);
  const answer = parseHead(head);
  if (answer.status !== 101) {
    socket.destroy();
    throw new UpgradeRefused(`HTTP ${answer.status}${answer.reason === '' ? '' : ` ${answer.reason}`}`, answer);
  }
  const accept = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64');
  if (answer.headers.get('sec-websocket-accept') !== accept) {
    socket.destroy();
    throw new UpgradeRefused('Sec-WebSocket-Accept does not fit what was asked', answer);
  }
  return { answer, stream: new WebSocketStream(socket, rest) };
}

function readHead(socket: Duplex, timeoutMs: number): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const fail = (message: string): void => {
      stop();
      socket.destroy();
      reject(new UpgradeRefused(message, null));
    };
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf(HEAD_END);
      if (end >= 0) {
        stop();
        resolve({ head: bytes.toString('latin1', 0, end), rest: bytes.subarray(end + HEAD_END.length) });
      } else if (bytes.length > MAXIMUM_HEAD_BYTES) fail('what it answered has no end');
    };
    const close = (): void => fail('it closed the connection without an answer');
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs / 1000} s`), timeoutMs);
    const stop = (): void => {
      clearTimeout(timer);
      socket.off('data', take);
      socket.off('close', close);
      socket.pause();
    };
    socket.on('error', () => {}); // `close` follows
    socket.on('data', take);
    socket.once('close', close);
  });
}

function parseHead(head: string): HttpAnswer {
  const [first, ...lines] = head.split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(first);
  if (status === null) throw new UpgradeRefused('what it answered is no HTTP', null);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(status[1]), reason: status[2] ?? '', headers };
}
