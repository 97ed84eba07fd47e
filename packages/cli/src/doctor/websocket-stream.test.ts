import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WebSocketStream } from './websocket-stream.js';

/** The other end of a connection: what was written to it, and what it sends. */
class Wire extends Duplex {
  readonly written: Buffer[] = [];

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written.push(Buffer.from(bytes));
    done();
  }
}

/** A frame as servers send it: without a mask. */
function serverFrame(opcode: number, payload: Buffer, isFinal = true): Buffer {
  const first = (isFinal ? 0x80 : 0) | opcode;
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), payload]);
  if (length < 65_536) return Buffer.concat([Buffer.from([first, 126, length >> 8, length & 0xff]), payload]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

/** Opcode and payload of a frame that a client sent. */
function clientFrame(bytes: Buffer): { opcode: number; payload: Buffer } {
  expect(bytes[1] & 0x80).toBe(0x80);
  const short = bytes[1] & 0x7f;
  const at = short === 127 ? 10 : short === 126 ? 4 : 2;
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  expect(bytes.length).toBe(at + 4 + length);
  const mask = bytes.subarray(at, at + 4);
  return { opcode: bytes[0], payload: bytes.subarray(at + 4).map((byte, place) => byte ^ mask[place & 3]) as Buffer };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function received(
  chunks: readonly Buffer[],
  rest: Buffer = Buffer.alloc(0),
): Promise<{ bytes: Buffer; wire: Wire }> {
  const wire = new Wire();
  const stream = new WebSocketStream(wire, rest);
  const got: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => got.push(bytes));
  for (const chunk of chunks) wire.push(chunk);
  await turn();
  await turn();
  return { bytes: Buffer.concat(got), wire };
}

describe('the bytes that go through a WebSocket', () => {
  it('come out as they went in, wherever they were cut', async () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.nat(140_000), { maxLength: 5 }), async (lengths, cuts) => {
        const payloads = lengths.map((length, at) => Buffer.alloc(length, at + 1));
        const all = Buffer.concat(payloads.map((payload) => serverFrame(2, payload)));
        const places = [0, ...cuts.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
        const chunks = places.slice(1).map((place, at) => all.subarray(places[at], place));
        const { bytes } = await received(chunks.filter(({ length }) => length > 0));
        expect(bytes.equals(Buffer.concat(payloads))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('may come in parts, with other frames in between, and behind the answer to the upgrade', async () => {
    const rest = serverFrame(2, Buffer.from('be'), false);
    const { bytes, wire } = await received(
      [serverFrame(9, Buffer.from('?')), serverFrame(0, Buffer.from('gin'))],
      rest,
    );
    expect(bytes.toString()).toBe('begin');
    const [pong] = wire.written.map(clientFrame);
    expect([pong.opcode, pong.payload.toString()]).toEqual([0x8a, '?']);
  });

  it.each([0, 125, 126, 65_535, 65_536])('are masked on their way to the server: %d', async (length) => {
    const wire = new Wire();
    const stream = new WebSocketStream(wire, Buffer.alloc(0));
    const payload = Buffer.alloc(length, 7);
    stream.write(payload);
    await turn();
    const { opcode, payload: sent } = clientFrame(Buffer.concat(wire.written));
    expect([opcode, sent.equals(payload)]).toEqual([0x82, true]);
  });

  it('end when either side closes, and with an error when text comes', async () => {
    const wire = new Wire();
    const stream = new WebSocketStream(wire, Buffer.alloc(0));
    stream.resume();
    const ended = new Promise((resolve) => stream.once('end', resolve));
    wire.push(serverFrame(8, Buffer.from([3, 0xe8])));
    await ended;

    const closing = new Wire();
    new WebSocketStream(closing, Buffer.alloc(0)).end();
    await turn();
    expect(closing.written.map((bytes) => clientFrame(bytes).opcode)).toEqual([0x88]);

    const speaking = new Wire();
    const listener = new WebSocketStream(speaking, Buffer.alloc(0));
    const failed = new Promise<Error>((resolve) => listener.once('error', resolve));
    speaking.push(serverFrame(1, Buffer.from('hello')));
    expect((await failed).message).toContain('text');
  });
});
