import { randomBytes } from 'node:crypto';
import { Duplex } from 'node:stream';

const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;
/** RFC 6455, section 5.5. */
const FIRST_CONTROL_OPCODE = 8;
const FINAL = 0x80;
const MASKED = 0x80;

/**
 * The bytes that go through a WebSocket, at the client's end (RFC 6455, section 5). The doctor has one of its own because
 * it looks at the upgrade before it, answer by answer, which a library does not let it.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: Duplex;
  #held: Buffer = Buffer.alloc(0);

  /** @param socket that has been upgraded. @param rest what came behind the answer */
  constructor(socket: Duplex, rest: Buffer) {
    super();
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('close', () => this.destroy());
    socket.on('error', (error) => this.destroy(error));
    if (rest.length > 0) this.#take(rest);
    socket.resume();
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(frame(Opcode.BINARY, bytes), done); // [MQTT-6.0.0-1]
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(frame(Opcode.CLOSE, Buffer.from([0x03, 0xe8])), () => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    while (this.#takeFrame()) {}
  }

  /** Whether there was a whole one. */
  #takeFrame(): boolean {
    const held = this.#held;
    if (held.length < 2) return false;
    const opcode = held[0] & 0x0f;
    const short = held[1] & 0x7f;
    const at = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (held.length < at) return false;
    const length = short === 127 ? Number(held.readBigUInt64BE(2)) : short === 126 ? held.readUInt16BE(2) : short;
    if (held.length < at + length) return false;
    const payload = held.subarray(at, at + length);
    this.#held = held.subarray(at + length);
    this.#takePayload(opcode, payload);
    return true;
  }

  #takePayload(opcode: number, payload: Buffer): void {
    if (opcode === Opcode.PING) this.#socket.write(frame(Opcode.PONG, payload));
    else if (opcode === Opcode.CLOSE) this.push(null);
    else if (opcode === Opcode.TEXT)
      this.destroy(new Error('a WebSocket frame with text came')); // [MQTT-6.0.0-1]
    else if (opcode < FIRST_CONTROL_OPCODE) this.push(Buffer.from(payload));
  }
}

/** What a client sends is masked (RFC 6455, section 5.3). */
function frame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const masked = Buffer.from(payload);
  for (let at = 0; at < masked.length; at++) masked[at] ^= mask[at & 3];
  const { length } = payload;
  let head: Buffer;
  if (length < 126) head = Buffer.from([FINAL | opcode, MASKED | length]);
  else if (length < 65_536) head = Buffer.from([FINAL | opcode, MASKED | 126, length >> 8, length & 0xff]);
  else {
    head = Buffer.alloc(10);
    head[0] = FINAL | opcode;
    head[1] = MASKED | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, mask, masked]);
}
