import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Link, LinkHandler, TlsSession } from '../../packages/broker/src/core/ports/link.js';
import { LINGER_MS } from '../../packages/broker/src/transports/linger.js';

/** Lets a test wait for something that callbacks bring about. */
export class Watch {
  readonly #waiting = new Set<() => void>();

  changed(): void {
    for (const look of [...this.#waiting]) look();
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** Writes down what a transport calls, and what it must never do. */
export class RecordingHandler implements LinkHandler {
  readonly watch: Watch;
  link: Link | null = null;
  reads: Buffer[] = [];
  readBytes = 0;
  drains = 0;
  closes = 0;
  error: Error | null = null;
  /** Calls that break the contract. */
  readonly violations: string[] = [];
  #isInLink = false;

  constructor(watch: Watch) {
    this.watch = watch;
  }

  /** Everything that a test does with a link goes through here, so that a call from within it is seen. */
  with<T>(act: (link: Link) => T): T {
    if (this.link === null) throw new Error('there is no link yet');
    this.#isInLink = true;
    try {
      return act(this.link);
    } finally {
      this.#isInLink = false;
    }
  }

  onRead(bytes: Uint8Array, length: number): void {
    this.#called('onRead');
    // The bytes are lent: what is kept is a copy.
    this.reads.push(Buffer.from(bytes.subarray(0, length)));
    this.readBytes += length;
    this.watch.changed();
  }

  onDrain(): void {
    this.#called('onDrain');
    if (this.link?.pendingBytes !== 0) this.violations.push(`onDrain with ${this.link?.pendingBytes} bytes pending`);
    this.drains++;
    this.watch.changed();
  }

  onClose(error: Error | null): void {
    this.#called('onClose');
    this.closes++;
    this.error = error;
    this.watch.changed();
  }

  #called(name: string): void {
    if (this.#isInLink) this.violations.push(`${name} from within a call of the link`);
    if (this.closes > 0) this.violations.push(`${name} after onClose`);
  }
}

/** The other end of the connection. */
export interface Peer {
  readonly received: Buffer[];
  readonly receivedBytes: number;
  /** Its connection is over. */
  readonly isClosed: boolean;
  write(bytes: Uint8Array): void;
  stopReading(): void;
  startReading(): void;
  /** Ends in order, after what was written. */
  close(): void;
  /** Breaks the connection. */
  reset(): void;
}

export interface Connected {
  readonly handler: RecordingHandler;
  readonly peer: Peer;
  readonly watch: Watch;
  /** Where the link has to say that it comes from and goes to; not given: two ports of 127.0.0.1. */
  readonly ends?: Pick<Link, 'transport' | 'remoteAddress' | 'remotePort' | 'localPort'>;
  /** What the link has to say about TLS; not given: that there is none. */
  readonly tls?: TlsSession;
  dispose(): Promise<void> | void;
}

const SIZES = [1, 2, 127, 4096, 65_535, 65_536, 65_537, 1_000_000, 10_000_000];
const PIECE_BYTES = 256 * 1024;
/** What a transport may put around each write. */
const MAX_FRAME_HEADER_BYTES = 14;
const FLOOD_BYTES = 16_000_000;

/** Bytes of which no two places look alike for long, so that lost and swapped pieces are seen. */
function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = seed + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function sameBytes(pieces: readonly Buffer[], expected: readonly Buffer[]): boolean {
  return Buffer.concat(pieces).equals(Buffer.concat(expected));
}

/** What every transport promises to the core. `connect` makes a fresh connection, both ends of it. */
export function describeLink(name: string, connect: () => Promise<Connected>): void {
  describe(`a link over ${name}`, () => {
    let open: Connected | null = null;
    const connected = async (): Promise<Connected> => {
      open = await connect();
      return open;
    };

    afterEach(async () => {
      vi.useRealTimers();
      const { handler, peer, watch } = open as Connected;
      handler.with((link) => link.destroy());
      peer.reset();
      await watch.until(() => handler.closes > 0 && peer.isClosed);
      await (open as Connected).dispose();
      expect(handler.violations).toEqual([]);
      expect(handler.closes).toBe(1);
    });

    it('brings bytes of any size in order from the peer', async () => {
      const { handler, peer, watch } = await connected();
      const sent = SIZES.map(pattern);
      for (const bytes of sent) peer.write(bytes);
      const total = sent.reduce((sum, { length }) => sum + length, 0);
      await watch.until(() => handler.readBytes >= total);
      expect(sameBytes(handler.reads, sent)).toBe(true);
    });

    it('takes bytes of any size in order to the peer, and their memory is free when write returns true', async () => {
      const { handler, peer, watch } = await connected();
      const expected = SIZES.map(pattern);
      for (const [index, size] of SIZES.entries()) {
        const bytes = pattern(size, index);
        if (handler.with((link) => link.write(bytes))) bytes.fill(0);
        else await watch.until(() => handler.with((link) => link.pendingBytes) === 0);
      }
      const total = SIZES.reduce((sum, size) => sum + size, 0);
      await watch.until(() => peer.receivedBytes >= total);
      expect(sameBytes(peer.received, expected)).toBe(true);
    });

    it('holds back what a peer that does not read cannot take, and says when it is gone', async () => {
      const { handler, peer, watch } = await connected();
      peer.stopReading();
      const sent: Buffer[] = [];
      const writePiece = () => {
        const piece = pattern(PIECE_BYTES, sent.length);
        sent.push(piece);
        return handler.with((link) => link.write(piece));
      };
      while (writePiece());
      const before = handler.with((link) => link.pendingBytes);
      expect(before).toBeGreaterThan(0);
      expect(writePiece()).toBe(false);
      const added = handler.with((link) => link.pendingBytes) - before;
      expect(added).toBeGreaterThanOrEqual(PIECE_BYTES);
      expect(added).toBeLessThanOrEqual(PIECE_BYTES + MAX_FRAME_HEADER_BYTES);
      expect(handler.drains).toBe(0);
      // More than the buffers of any system take once reading goes on for a moment.
      while (handler.with((link) => link.pendingBytes) < FLOOD_BYTES) writePiece();
      peer.startReading();
      await watch.until(() => handler.drains > 0 && peer.receivedBytes >= sent.length * PIECE_BYTES);
      expect(handler.drains).toBe(1);
      expect(sameBytes(peer.received, sent)).toBe(true);
    });

    it('reads nothing more while it is paused, and everything after', async () => {
      const { handler, peer, watch } = await connected();
      handler.with((link) => link.pause());
      const sent = pattern(FLOOD_BYTES, 1);
      peer.write(sent);
      // Each round trip lets the event loop serve every socket that wants to be read.
      for (let round = 1; round <= 50; round++) {
        handler.with((link) => link.write(Uint8Array.of(round)));
        await watch.until(() => peer.receivedBytes >= round);
      }
      // One read may have been under way.
      expect(handler.readBytes).toBeLessThanOrEqual(65_536);
      handler.with((link) => link.resume());
      await watch.until(() => handler.readBytes >= sent.length);
      expect(sameBytes(handler.reads, [sent])).toBe(true);
    });

    it('delivers what was written before it ends', async () => {
      const { handler, peer, watch } = await connected();
      const sent = [pattern(10_000_000, 3), pattern(5, 4)];
      for (const bytes of sent) handler.with((link) => link.write(bytes));
      handler.with((link) => link.end());
      handler.with((link) => link.end());
      await watch.until(() => peer.isClosed && handler.closes > 0);
      expect(sameBytes(peer.received, sent)).toBe(true);
    });

    it('takes nothing more after end, and says so to nobody', async () => {
      const { handler, peer, watch } = await connected();
      handler.with((link) => link.write(Uint8Array.of(1)));
      handler.with((link) => link.end());
      expect(handler.with((link) => link.write(Uint8Array.of(2)))).toBe(true);
      peer.write(Uint8Array.of(3));
      await watch.until(() => peer.isClosed && handler.closes > 0);
      expect(Buffer.concat(peer.received)).toEqual(Buffer.of(1));
      expect(handler.reads).toEqual([]);
    });

    it('ends while it is paused', async () => {
      const { handler, peer, watch } = await connected();
      handler.with((link) => link.pause());
      peer.write(pattern(FLOOD_BYTES, 5));
      handler.with((link) => link.end());
      await watch.until(() => handler.closes > 0);
    });

    it('cuts off a peer that does not take its last bytes', async () => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
      const { handler, peer, watch } = await connected();
      peer.stopReading();
      while (handler.with((link) => link.pendingBytes) < FLOOD_BYTES) {
        handler.with((link) => link.write(pattern(PIECE_BYTES, 6)));
      }
      handler.with((link) => link.end());
      vi.advanceTimersByTime(LINGER_MS - 1);
      expect(handler.closes).toBe(0);
      vi.advanceTimersByTime(2000);
      await watch.until(() => handler.closes > 0);
    });

    it('is cut at once by destroy', async () => {
      const { handler, peer, watch } = await connected();
      handler.with((link) => link.destroy());
      expect(handler.closes).toBe(0);
      await watch.until(() => handler.closes > 0 && peer.isClosed);
      handler.with((link) => link.destroy());
      handler.with((link) => link.end());
      expect(handler.with((link) => link.write(Uint8Array.of(1)))).toBe(true);
      handler.with((link) => link.pause());
      handler.with((link) => link.resume());
    });

    it('closes without an error when the peer ends, after the last bytes of the peer', async () => {
      const { handler, peer, watch } = await connected();
      const sent = pattern(1_000_000, 7);
      peer.write(sent);
      peer.close();
      await watch.until(() => handler.closes > 0);
      expect(sameBytes(handler.reads, [sent])).toBe(true);
      expect(handler.error).toBe(null);
    });

    it('closes when the peer breaks the connection', async () => {
      const { handler, peer, watch } = await connected();
      peer.write(Uint8Array.of(1));
      await watch.until(() => handler.readBytes === 1);
      peer.reset();
      await watch.until(() => handler.closes > 0);
    });

    it('names both ends', async () => {
      const { handler, ends, tls = null } = await connected();
      const { transport, remoteAddress, remotePort, localPort } = handler.link as Link;
      expect(handler.link?.tls).toEqual(tls);
      if (ends !== undefined) {
        expect({ transport, remoteAddress, remotePort, localPort }).toEqual(ends);
        return;
      }
      expect([transport, remoteAddress]).toEqual([expect.stringMatching(/^\w+$/), '127.0.0.1']);
      expect([remotePort, localPort]).toEqual([expect.any(Number), expect.any(Number)]);
      expect(Math.min(remotePort, localPort)).toBeGreaterThan(0);
    });
  });
}
