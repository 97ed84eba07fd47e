import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openListener, SocketPeer, type TestListener } from '../../../../test/contract/link-peers.js';

const UPGRADE =
  'GET /mqtt HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n';

const FINAL = 0x80;
const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0, 1, 2, 8, 9, 10];
const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d);

/** A frame as a client sends it. */
function frame(first: number, payload: Uint8Array, mask = MASK): Buffer {
  const { length } = payload;
  const header =
    length < 126
      ? Buffer.of(first, FINAL | length)
      : length < 65_536
        ? Buffer.of(first, FINAL | 126, length >> 8, length & 0xff)
        : Buffer.of(first, FINAL | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff);
  return Buffer.concat([header, mask, payload.map((byte, i) => byte ^ mask[i & 3])]);
}

const binary = (payload: Uint8Array) => frame(FINAL | BINARY, payload);
const closing = (code: number) => frame(FINAL | CLOSE, Buffer.of(code >> 8, code & 0xff));

describe.each(['in-place', 'events'] as const)('A WebSocket whose socket is read %s', (reads) => {
  let opened: TestListener;

  async function open(maxMessageBytes = 1_000_000) {
    opened = await openListener({ reads, maxWebSocketMessageBytes: () => maxMessageBytes });
    const { watch, listener, handlers } = opened;
    const peer = new SocketPeer(watch, listener.localPort);
    peer.write(Buffer.from(UPGRADE));
    const answered = () => Buffer.concat(peer.received).toString('latin1').includes('\r\n\r\n');
    await watch.until(answered);
    const answer = Buffer.concat(peer.received);
    peer.received.length = 0;
    return { watch, peer, handler: handlers[0], answer, frames: () => Buffer.concat(peer.received) };
  }

  afterEach(async () => {
    const { listener, handlers, watch } = opened;
    listener.close();
    for (const handler of handlers) if (handler.closes === 0) handler.with((link) => link.destroy());
    await watch.until(() => handlers.every(({ closes }) => closes > 0));
    for (const { violations } of handlers) expect(violations).toEqual([]);
  });

  it('is opened with the answer that RFC 6455 wants', async () => {
    const { answer } = await open();
    expect(answer.toString()).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
    );
  });

  it('reads the same bytes, however they are put into frames and however these are cut', async () => {
    const { watch, peer, handler } = await open();
    const message = fc.record({
      pieces: fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 4 }),
      pings: fc.array(fc.nat(3), { maxLength: 2 }),
      mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
    });
    const script = fc.record({
      messages: fc.array(message, { minLength: 1, maxLength: 6 }),
      cuts: fc.uniqueArray(fc.nat(900), { maxLength: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(script, async ({ messages, cuts }) => {
        const before = handler.readBytes;
        const sent: Buffer[] = [];
        for (const { pieces, pings, mask } of messages) {
          pieces.forEach((piece, i) => {
            const opcode = (i === pieces.length - 1 ? FINAL : 0) | (i === 0 ? BINARY : CONTINUATION);
            sent.push(frame(opcode, piece, Buffer.from(mask)));
            if (pings.includes(i)) sent.push(frame(FINAL | PING, Buffer.from('ping')));
          });
        }
        const bytes = Buffer.concat(sent);
        const payload = Buffer.concat(messages.flatMap(({ pieces }) => pieces));
        let from = 0;
        for (const cut of [...cuts.filter((each) => each < bytes.length).sort((a, b) => a - b), bytes.length]) {
          peer.write(bytes.subarray(from, cut));
          await new Promise(setImmediate);
          from = cut;
        }
        await watch.until(() => handler.readBytes >= before + payload.length);
        expect(Buffer.concat(handler.reads).subarray(before)).toEqual(payload);
      }),
      { numRuns: 60 },
    );
  });

  it('hands frames of one read on together', async () => {
    const { watch, peer, handler } = await open();
    peer.write(
      Buffer.concat([binary(Buffer.of(1, 2)), binary(Buffer.of(3)), binary(Buffer.of()), binary(Buffer.of(4))]),
    );
    await watch.until(() => handler.readBytes === 4);
    expect(handler.reads).toHaveLength(1);
  });

  it('reads a message of more than 64 KB', async () => {
    const { watch, peer, handler } = await open();
    const payload = Buffer.alloc(200_001, 'abcdefg');
    peer.write(binary(payload));
    await watch.until(() => handler.readBytes === payload.length);
    expect(Buffer.concat(handler.reads).equals(payload)).toBe(true);
  });

  it.each([0, 1, 125, 126, 65_535, 65_536, 300_000])('writes %i bytes as one frame', async (length) => {
    const { watch, handler, frames } = await open();
    const payload = Buffer.alloc(length, 'xyz');
    handler.with((link) => link.write(payload));
    const header =
      length < 126
        ? Buffer.of(0x82, length)
        : length < 65_536
          ? Buffer.of(0x82, 126, length >> 8, length & 0xff)
          : Buffer.of(0x82, 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff);
    await watch.until(() => frames().length === header.length + length);
    expect(frames().equals(Buffer.concat([header, payload]))).toBe(true);
  });

  it('answers a ping with its payload, also between the frames of a message', async () => {
    const { watch, peer, handler, frames } = await open();
    peer.write(
      Buffer.concat([
        frame(BINARY, Buffer.of(1)),
        frame(FINAL | PING, Buffer.from('hi')),
        frame(FINAL | CONTINUATION, Buffer.of(2)),
        frame(FINAL | PONG, Buffer.of()),
      ]),
    );
    await watch.until(() => handler.readBytes === 2 && frames().length === 4);
    expect(frames()).toEqual(Buffer.from('\x8a\x02hi', 'latin1'));
  });

  it('ends with the code that the peer said, after what came before it', async () => {
    const { watch, peer, handler, frames } = await open();
    peer.write(Buffer.concat([binary(Buffer.of(7)), closing(4000), binary(Buffer.of(8))]));
    await watch.until(() => peer.isClosed && handler.closes === 1);
    expect(frames()).toEqual(Buffer.of(0x88, 2, 4000 >> 8, 4000 & 0xff));
    expect(Buffer.concat(handler.reads)).toEqual(Buffer.of(7));
    expect(handler.error).toBeNull();
  });

  it('says that it ends, and closes when the peer has said so, too', async () => {
    const { watch, peer, handler, frames } = await open();
    handler.with((link) => {
      link.write(Buffer.of(0xe0));
      link.end();
    });
    await watch.until(() => frames().length === 7);
    expect(frames()).toEqual(Buffer.of(0x82, 1, 0xe0, 0x88, 2, 0x03, 0xe8));
    peer.write(Buffer.concat([binary(Buffer.of(1)), closing(1000)]));
    await watch.until(() => peer.isClosed && handler.closes === 1);
    expect(frames()).toHaveLength(7);
    expect(handler.reads).toEqual([]);
  });

  it.each([
    ['is not masked', Buffer.of(FINAL | BINARY, 1, 0)],
    ['has a reserved bit', frame(FINAL | 0x40 | BINARY, Buffer.of(1))],
    ['goes on with nothing', frame(FINAL | CONTINUATION, Buffer.of(1))],
    ['begins within a message', Buffer.concat([frame(BINARY, Buffer.of()), binary(Buffer.of(1))])],
    ['is a ping in pieces', frame(PING, Buffer.of(1))],
    ['is a ping that is too long', frame(FINAL | PING, Buffer.alloc(126))],
    ['has no known opcode', frame(FINAL | 3, Buffer.of(1))],
    ['has no known opcode of a control frame', frame(FINAL | 11, Buffer.of(1))],
    ['ends with a code that is cut', frame(FINAL | CLOSE, Buffer.of(3))],
    ['ends with a code that nobody may say', closing(1006)],
  ])('refuses a frame that %s', async (_, bytes) => {
    const { watch, peer, handler, frames } = await open();
    peer.write(Buffer.concat([bytes, binary(Buffer.of(9))]));
    await watch.until(() => peer.isClosed && handler.closes === 1);
    expect(frames().subarray(0, 1)).toEqual(Buffer.of(0x88));
    expect(frames().readUInt16BE(2)).toBe(1002);
    expect(handler.error?.message).toMatch(/^WebSocket: /);
    expect(handler.readBytes).toBe(0);
  });

  it('hands on what came before a text message', async () => {
    const { watch, peer, handler, frames } = await open();
    peer.write(Buffer.concat([binary(Buffer.of(1)), frame(FINAL | TEXT, Buffer.from('a'))]));
    await watch.until(() => peer.isClosed && handler.closes === 1);
    expect(frames().readUInt16BE(2)).toBe(1003);
    expect(handler.readBytes).toBe(1);
  });

  it('counts all frames of a message that may have so many bytes', async () => {
    const { watch, peer, handler, frames } = await open(100);
    peer.write(Buffer.concat([binary(Buffer.alloc(100)), frame(BINARY, Buffer.alloc(60))]));
    await watch.until(() => handler.readBytes === 160);
    peer.write(frame(FINAL | CONTINUATION, Buffer.alloc(41)));
    await watch.until(() => peer.isClosed && handler.closes === 1);
    expect(frames().readUInt16BE(2)).toBe(1009);
    expect(handler.readBytes).toBe(160);
  });

  it('answers few pings of a peer that reads nothing', async () => {
    const { watch, peer, handler } = await open();
    peer.stopReading();
    // More than the system holds for the two sockets.
    const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(FINAL | PING, Buffer.alloc(125))));
    for (let i = 0; i < 300; i++) peer.write(pings);
    peer.write(binary(Buffer.of(1)));
    await watch.until(() => handler.readBytes === 1);
    let pendingBytes = 0;
    handler.with((link) => {
      pendingBytes = link.pendingBytes;
    });
    expect(pendingBytes).toBeGreaterThan(0);
    expect(pendingBytes).toBeLessThan(70_000);
  });
});
