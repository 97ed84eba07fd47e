import type { Socket } from 'node:net';
import { copyBytes } from '@cauldron/codec';
import type { LinkUpgrade, SocketLink } from './tcp.js';

const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

const FINAL = 0x80;
const RESERVED = 0x70;
const MASKED = 0x80;
const LENGTH_IN_TWO_BYTES = 126;
const LENGTH_IN_EIGHT_BYTES = 127;
const MAX_HEADER_BYTES = 14;
const MAX_CONTROL_BYTES = 125;
/** Writes up to this size, which is that of the core's output chunks, leave with their header as one piece. */
const MAX_JOINED_BYTES = 64 * 1024;
/** While this much waits for the peer, its pings are not answered: only the last one has to be (RFC 6455, 5.5.3). */
const MAX_UNSENT_FOR_PONGS = 64 * 1024;

const NOTHING = Buffer.alloc(0);

const CloseCode = { NORMAL: 1000, PROTOCOL_ERROR: 1002, UNSUPPORTED_DATA: 1003, TOO_LARGE: 1009 } as const;

/** Why the connection is ended from this side. */
interface Fault {
  readonly code: number;
  readonly reason: string;
}

/** Header and payload of the frame that is being written: one buffer for all connections, while sockets take all of it. */
let joined: Buffer | null = null;

/**
 * The server's side of one WebSocket, after its handshake (RFC 6455). What comes in is unmasked where it lies and handed
 * on as it comes, frames of one read together: where messages begin and end says nothing about packets. What goes out is
 * one frame for each write.
 */
export class WebSocketConnection implements LinkUpgrade {
  readonly #socket: Socket;
  readonly #link: SocketLink;
  readonly #maxMessageBytes: number;
  /** The header of a frame that the last read cut; null: none. */
  #cutHeader: Uint8Array | null = null;
  #cutLength = 0;
  /** Of the frame whose payload is being read. */
  #opcode: number = Opcode.BINARY;
  #isInPayload = false;
  /** What is missing of its payload. */
  #remaining = 0;
  /** Its four bytes of mask, the next one first. */
  #mask = 0;
  /** A message goes on with the next frame of data. */
  #isInMessage = false;
  /** What came of its frames; each begins with its length. */
  #messageBytes = 0;
  /** The payload of a control frame; has room from the first one on. */
  #control = NOTHING;
  #controlLength = 0;
  #closeSent = false;
  #closeReceived = false;
  /** What is closed with: what the peer said, or that nothing is wrong. */
  #closeCode: number = CloseCode.NORMAL;

  constructor(socket: Socket, link: SocketLink, maxMessageBytes: number) {
    this.#socket = socket;
    this.#link = link;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Takes `bytes[0, length)`, and may write into them. */
  received(bytes: Uint8Array, length: number): void {
    if (this.#closeReceived) return;
    let at = 0;
    let end = 0; // of what is handed on, which moves up to the beginning
    let fault: Fault | null = null;
    while (fault === null && !this.#closeReceived) {
      if (!this.#isInPayload) {
        if (at === length) break;
        const size = this.#cutHeader === null ? headerSize(bytes, at, length) : 0;
        if (size > 0) {
          fault = this.#begin(bytes, at);
          at += size;
        } else {
          at = this.#completeHeader(bytes, at, length);
          if (this.#cutHeader === null || headerSize(this.#cutHeader, 0, this.#cutLength) === 0) break;
          fault = this.#begin(this.#cutHeader, 0);
          this.#cutHeader = null;
        }
        if (fault !== null) break;
      }
      const count = Math.min(this.#remaining, length - at);
      if (this.#opcode < Opcode.CLOSE) {
        unmask(bytes, at, count, bytes, end, this.#mask);
        end += count;
      } else {
        if (this.#control === NOTHING) this.#control = Buffer.alloc(MAX_CONTROL_BYTES);
        unmask(bytes, at, count, this.#control, this.#controlLength, this.#mask);
        this.#controlLength += count;
      }
      at += count;
      this.#remaining -= count;
      if (this.#remaining > 0) {
        this.#mask = rotated(this.#mask, count);
        break;
      }
      this.#isInPayload = false;
      if (this.#opcode >= Opcode.CLOSE) fault = this.#takeControl();
    }
    if (end > 0) this.#link.deliver(bytes, end);
    if (fault !== null) this.#fail(fault);
    else if (this.#closeReceived) this.#finish();
  }

  write(bytes: Uint8Array): void {
    this.#send(Opcode.BINARY, bytes); // [MQTT-6.0.0-1]
  }

  /** Says that this is the end; the peer says so, too, and then the connection is closed. */
  end(): void {
    this.#sendClose(this.#closeCode, '');
    if (this.#closeReceived) this.#socket.end();
    this.#socket.resume();
  }

  /** The header that begins at `at` is there as a whole. */
  #begin(bytes: Uint8Array, at: number): Fault | null {
    const first = bytes[at];
    const opcode = first & 0x0f;
    const short = bytes[at + 1] & 0x7f;
    let length = short;
    let next = at + 2;
    if (short === LENGTH_IN_TWO_BYTES) {
      length = (bytes[next] << 8) | bytes[next + 1];
      next += 2;
    } else if (short === LENGTH_IN_EIGHT_BYTES) {
      length = uint32At(bytes, next) * 0x1_0000_0000 + uint32At(bytes, next + 4);
      next += 8;
    }
    const isFinal = (first & FINAL) !== 0;
    if ((first & RESERVED) !== 0) return protocolFault('a reserved bit is set');
    if ((bytes[at + 1] & MASKED) === 0) return protocolFault('a frame is not masked');
    if (opcode >= Opcode.CLOSE) {
      if (opcode > Opcode.PONG) return protocolFault(`there is no opcode ${opcode}`);
      if (!isFinal || short > MAX_CONTROL_BYTES) return protocolFault('a control frame is too long, or in pieces');
      this.#controlLength = 0;
    } else {
      if (opcode === Opcode.TEXT) return TEXT_MESSAGE; // [MQTT-6.0.0-1]
      if (opcode > Opcode.BINARY) return protocolFault(`there is no opcode ${opcode}`);
      if ((opcode === Opcode.CONTINUATION) !== this.#isInMessage) {
        return protocolFault('a message begins within another, or goes on without having begun');
      }
      this.#messageBytes = (this.#isInMessage ? this.#messageBytes : 0) + length;
      if (this.#messageBytes > this.#maxMessageBytes) {
        return { code: CloseCode.TOO_LARGE, reason: `a message is larger than ${this.#maxMessageBytes} bytes` };
      }
      this.#isInMessage = !isFinal;
    }
    this.#opcode = opcode;
    this.#remaining = length;
    this.#mask = uint32At(bytes, next) | 0;
    this.#isInPayload = true;
    return null;
  }

  /** Moves bytes to the header that was cut, until it is whole. Returns where to go on. */
  #completeHeader(bytes: Uint8Array, start: number, length: number): number {
    if (this.#cutHeader === null) {
      this.#cutHeader = new Uint8Array(MAX_HEADER_BYTES);
      this.#cutLength = 0;
    }
    let at = start;
    while (at < length && headerSize(this.#cutHeader, 0, this.#cutLength) === 0) {
      this.#cutHeader[this.#cutLength++] = bytes[at++];
    }
    return at;
  }

  #takeControl(): Fault | null {
    const payload = this.#control.subarray(0, this.#controlLength);
    if (this.#opcode === Opcode.PING) {
      if (!this.#closeSent && this.#socket.writableLength < MAX_UNSENT_FOR_PONGS) this.#send(Opcode.PONG, payload);
    } else if (this.#opcode === Opcode.CLOSE) {
      if (payload.length === 1) return protocolFault('the code of its end is cut');
      if (payload.length > 0) {
        const code = payload.readUInt16BE(0);
        if (!mayBeSaid(code)) return protocolFault(`there is no code ${code} for the end`);
        this.#closeCode = code;
      }
      this.#closeReceived = true;
    }
    return null;
  }

  /** Nothing that follows can be understood. */
  #fail({ code, reason }: Fault): void {
    this.#closeReceived = true;
    this.#link.failed(new Error(reason));
    this.#sendClose(code, reason);
    this.#finish();
  }

  /** The peer sends nothing more. */
  #finish(): void {
    if (this.#closeSent) this.#socket.end();
    this.#link.end();
  }

  #sendClose(code: number, reason: string): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
    payload.writeUInt16BE(code);
    payload.write(reason, 2);
    this.#send(Opcode.CLOSE, payload.subarray(0, MAX_CONTROL_BYTES));
  }

  #send(opcode: number, payload: Uint8Array): void {
    const { length } = payload;
    const socket = this.#socket;
    if (length > MAX_JOINED_BYTES) {
      const header = Buffer.allocUnsafeSlow(10);
      writeHeader(header, opcode, length);
      socket.cork();
      socket.write(header);
      socket.write(payload);
      socket.uncork();
      return;
    }
    const frame = joined ?? Buffer.allocUnsafeSlow(MAX_JOINED_BYTES + MAX_HEADER_BYTES);
    const start = writeHeader(frame, opcode, length);
    copyBytes(payload, 0, length, frame, start);
    socket.write(frame.subarray(0, start + length));
    joined = socket.writableLength === 0 ? frame : null;
  }
}

const TEXT_MESSAGE: Fault = {
  code: CloseCode.UNSUPPORTED_DATA,
  reason: 'The client sent a WebSocket text message; MQTT needs binary ones.',
};

function protocolFault(what: string): Fault {
  return { code: CloseCode.PROTOCOL_ERROR, reason: `WebSocket: ${what}` };
}

/** Of the header that begins at `at`; 0: there is more of it to come. A client's has a mask, or is refused. */
function headerSize(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 2) return 0;
  const length = bytes[at + 1] & 0x7f;
  const isMasked = (bytes[at + 1] & MASKED) !== 0;
  const size = 2 + lengthBytes(length) + (isMasked ? 4 : 0);
  return end - at < size ? 0 : size;
}

function lengthBytes(length: number): number {
  if (length < LENGTH_IN_TWO_BYTES) return 0;
  return length === LENGTH_IN_TWO_BYTES ? 2 : 8;
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

/** `to` may be `from`, if nothing moves up. */
function unmask(from: Uint8Array, start: number, count: number, to: Uint8Array, at: number, mask: number): void {
  const a = mask >>> 24;
  const b = (mask >> 16) & 0xff;
  const c = (mask >> 8) & 0xff;
  const d = mask & 0xff;
  const end = start + count;
  let i = start;
  let o = at;
  for (; i + 4 <= end; i += 4, o += 4) {
    to[o] = from[i] ^ a;
    to[o + 1] = from[i + 1] ^ b;
    to[o + 2] = from[i + 2] ^ c;
    to[o + 3] = from[i + 3] ^ d;
  }
  if (i < end) to[o++] = from[i++] ^ a;
  if (i < end) to[o++] = from[i++] ^ b;
  if (i < end) to[o] = from[i] ^ c;
}

/** The mask as it goes on after `count` bytes. */
function rotated(mask: number, count: number): number {
  const bits = (count & 3) * 8;
  return bits === 0 ? mask : (mask << bits) | (mask >>> (32 - bits));
}

/** Returns its size. */
function writeHeader(out: Buffer, opcode: number, length: number): number {
  out[0] = FINAL | opcode;
  if (length < LENGTH_IN_TWO_BYTES) {
    out[1] = length;
    return 2;
  }
  if (length < 0x1_0000) {
    out[1] = LENGTH_IN_TWO_BYTES;
    out.writeUInt16BE(length, 2);
    return 4;
  }
  out[1] = LENGTH_IN_EIGHT_BYTES;
  out.writeUInt32BE(0, 2);
  out.writeUInt32BE(length, 6);
  return 10;
}

/** Whether a peer may give this reason for the end (RFC 6455, 7.4). */
function mayBeSaid(code: number): boolean {
  return (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) || (code >= 3000 && code <= 4999);
}
