import type { TransportEvents } from '@cauldron/client';
import type { ProtocolVersion } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { Board } from './board.js';
import { ErrorTally } from './error-tally.js';
import { HEAD_SIZE, writeHead } from './payload.js';
import { Receiver } from './receiver.js';

const MARK = 77;

/** A receiver of the streams 0 and 1, and what it has sent. */
class Scene {
  readonly board = new Board(Board.memory(1, 3), 1, 3);
  readonly receiver: Receiver;
  readonly sent: number[][] = [];
  /** What its client has seen. */
  readonly seen: number[][] = [];
  readonly ends: (Error | null)[] = [];
  deliveries = 0;
  #events: TransportEvents | null = null;

  constructor(version: ProtocolVersion = 4) {
    const setting = {
      board: this.board,
      counts: this.board.countsOf(0),
      times: this.board.timesOf(0),
      errors: new ErrorTally(),
      clock: () => 9_000,
      mark: MARK,
      size: { smallest: HEAD_SIZE, largest: HEAD_SIZE },
      version,
      measureFromUs: 5_000,
      onDelivery: () => this.deliveries++,
    };
    this.receiver = new Receiver(
      (events) => {
        this.#events = events;
        const write = (bytes: Uint8Array): boolean => this.sent.push([...bytes]) > 0;
        return { write, end: () => {}, destroy: () => {}, pause: () => {}, resume: () => {} };
      },
      [0, 1],
      setting,
    );
    this.receiver.lane.open({
      opened: () => {},
      data: (bytes, length) => this.seen.push([...bytes.subarray(0, length)]),
      drained: () => {},
      closed: (error) => this.ends.push(error),
    });
    this.receiver.begin(false);
  }

  receive(...bytes: readonly number[]): void {
    this.#events?.data(Uint8Array.from(bytes), bytes.length);
  }
}

function publish(
  header: number,
  sequence: number,
  { timeUs = 8_000, properties = [] as number[], mark = MARK, stream = 0 } = {},
): number[] {
  const payload = new Uint8Array(HEAD_SIZE);
  writeHead(payload, 0, mark, stream, sequence, timeUs);
  const packetId = (header & 6) === 0 ? [] : [0, 9];
  const body = [0, 1, 0x61, ...packetId, ...properties, ...payload];
  return [header, body.length, ...body];
}

const SUBACK = [0x90, 3, 0, 1, 0];

describe('a receiver of a load', () => {
  it('acknowledges, measures and counts messages, and leaves all other packets to its client', () => {
    const scene = new Scene();
    scene.receive(...SUBACK, ...publish(0x30, 0), ...publish(0x32, 1));
    expect(scene.seen).toEqual([SUBACK]);
    expect(scene.sent).toEqual([[0x40, 2, 0, 9]]);
    expect(scene.board.counts()).toMatchObject({ delivered: 2, deliveredBytes: 2 * HEAD_SIZE });
    expect(scene.board.time('delivery').percentile(100)).toBe(1_000);
    expect([scene.deliveries, scene.board.time('delivery').count]).toEqual([2, 2]);
  });

  it('takes packets that come in pieces', () => {
    const scene = new Scene();
    for (const byte of [...SUBACK, ...publish(0x30, 0), ...publish(0x30, 1)]) scene.receive(byte);
    expect(scene.seen).toEqual([SUBACK]);
    expect(scene.receiver.verify()).toMatchObject({ received: 2, duplicated: 0, damaged: 0 });
  });

  it('takes a message with QoS 2 that is repeated before its release only once', () => {
    const scene = new Scene();
    scene.receive(...publish(0x34, 0), ...publish(0x3c, 0), 0x62, 2, 0, 9);
    expect(scene.sent.flat()).toEqual([0x50, 2, 0, 9, 0x50, 2, 0, 9, 0x70, 2, 0, 9]);
    expect(scene.receiver.verify()).toMatchObject({ received: 1, duplicated: 0 });
    scene.receive(...publish(0x34, 0));
    expect(scene.receiver.verify()).toMatchObject({ received: 1, duplicated: 1 });
  });

  it('passes over properties', () => {
    const scene = new Scene(5);
    scene.receive(...publish(0x30, 0, { properties: [3, 0x23, 0, 1] }), ...publish(0x30, 1, { properties: [0] }));
    expect(scene.receiver.verify()).toMatchObject({ received: 2, damaged: 0 });
  });

  it('does not measure what was due in the warm-up', () => {
    const scene = new Scene();
    scene.receive(...publish(0x30, 0, { timeUs: 4_000 }));
    expect(scene.board.counts().delivered).toBe(1);
    expect(scene.board.time('delivery').count).toBe(0);
  });

  it('knows what is not from this run, not for it, of another size, and what clears a topic', () => {
    const scene = new Scene();
    const short = publish(0x30, 0).slice(0, -1);
    short[1]--;
    scene.receive(
      ...publish(0x30, 0, { mark: MARK + 1 }),
      ...publish(0x30, 0, { stream: 2 }),
      ...short,
      0x31,
      3,
      0,
      1,
      0x61,
    );
    expect(scene.receiver.verify()).toMatchObject({ received: 0, stray: 1, damaged: 2 });
  });

  it.each([
    ['a message that ends before its payload', [0x32, 3, 0, 1, 0x61]],
    ['an acknowledgement without its id', [0x40, 1, 0]],
    ['a length that has no end', [0x30, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ])('ends the connection after %s', (_, bytes) => {
    const scene = new Scene();
    scene.receive(...bytes);
    expect(scene.ends).toHaveLength(1);
    expect(scene.ends[0]?.message).toMatch(/^The broker broke the protocol: /);
  });
});
