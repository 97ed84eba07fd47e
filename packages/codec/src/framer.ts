import { copyBytes } from './byte-copy.js';
import { MAX_PACKET_SIZE, type PacketType, packetName } from './constants.js';
import { ProtocolError } from './protocol-error.js';
import { ReasonCode } from './reason-codes.js';

const NOTHING = new Uint8Array(0);

/** By packet type: the most bytes that a packet of it may have, fixed header included. Where there is none: no limit. */
export type PacketLimits = readonly (number | undefined)[];

/**
 * Finds the frames of packets in a stream of bytes, wherever the stream was cut.
 *
 * One read goes: `feed`, then `next` until it returns false (or until the reader has to stop), then `finish`. Frames that
 * lie wholly in the bytes that were fed are found there, without a copy; only a frame that was cut is put together in a
 * buffer of the framer's own, which is let go as soon as it is used up.
 *
 * Where the bytes of the framer are at any time: `#held` (kept from earlier reads) comes before `#fed` (this read).
 * `bytes` is the one of the two that is being read, and `end` the place in it where the next frame begins.
 */
export class Framer {
  /** The bytes that hold the frame found last; valid until the next call of `next` or `finish`, as are the offsets. */
  bytes: Uint8Array = NOTHING;
  /** Offset of the first byte of the fixed header. */
  start = 0;
  /** Offset of the first byte after the remaining length. */
  body = 0;
  /** Offset after the last byte of the frame. */
  end = 0;
  /** In bytes, fixed header included. A larger packet is refused as soon as its length is known. */
  readonly maximumPacketSize: number;
  /**
   * Whether the remaining length must have its shortest form. 5.0 demands it [MQTT-1.5.5-1], 3.1 and 3.1.1 do not; so it
   * is to be set when CONNECT has told the version.
   */
  strictLength = false;
  /** The same as `maximumPacketSize` for single types of packets, where they have less; see `limitTypes`. */
  #typeLimits: PacketLimits | null = null;
  /** The least of all these limits: no packet up to here need be looked at. */
  #leastLimit: number;

  #fed: Uint8Array = NOTHING;
  /** Where to go on in `#fed` once `#held` is used up; while nothing is held, `end` is that place. */
  #fedAt = 0;
  #fedEnd = 0;
  #held: Uint8Array | null = null;
  #heldEnd = 0;

  /** @param maximumPacketSize in bytes, see the field of that name; without it, all that the format can express. */
  constructor(maximumPacketSize: number = MAX_PACKET_SIZE) {
    this.maximumPacketSize = maximumPacketSize;
    this.#leastLimit = maximumPacketSize;
  }

  /** From now on packets of some types may only have so many bytes, if that is less than all may have. */
  limitTypes(limits: PacketLimits): void {
    this.#typeLimits = limits;
    this.#leastLimit = limits.reduce<number>(
      (least, limit) => (limit !== undefined && limit < least ? limit : least),
      this.maximumPacketSize,
    );
  }

  /** The memory, in bytes, that is occupied by what earlier reads left; 0 when they left nothing. */
  get held(): number {
    return this.#held === null ? 0 : this.#held.length;
  }

  /**
   * Begins a read of `bytes[0..length)`. They are borrowed until `finish`.
   * @throws Error when the read before was not finished, because its rest would be lost.
   */
  feed(bytes: Uint8Array, length: number): void {
    if (this.#fed !== NOTHING) throw new Error('Framer.feed comes before finish');
    this.#fed = bytes;
    this.#fedAt = 0;
    this.#fedEnd = length;
    if (this.#held === null) this.#readFed();
  }

  /**
   * Finds the next whole frame; false when there is none yet. May also be called after `finish`, for what a reader that
   * stopped early left.
   * @throws ProtocolError MALFORMED_PACKET for a remaining length of more than four bytes, or (with `strictLength`) not in
   * its shortest form; PACKET_TOO_LARGE. The framer stays where it is: each further call throws the same.
   */
  next(): boolean {
    const start = this.end;
    if (this.#held === null && start + 1 < this.#fedEnd) {
      const remaining = this.bytes[start + 1];
      const end = start + 2 + remaining;
      if (remaining < 128 && end <= this.#fedEnd && remaining + 2 <= this.#leastLimit) {
        this.start = start;
        this.body = start + 2;
        this.end = end;
        return true;
      }
    }
    return this.#nextGeneral();
  }

  /**
   * Puts the frame that `next` found last back, so that `next` finds it again. Nothing happens if it found none, or if
   * the read has been finished since.
   */
  unread(): void {
    this.end = this.start;
  }

  /**
   * Ends a read: keeps a copy of what was not consumed, be it a cut frame or whole ones that the reader did not take.
   * After it the fed bytes belong to the caller again.
   */
  finish(): void {
    if (this.#held !== null && this.end < this.#heldEnd) {
      this.#hold(this.#fedEnd - this.#fedAt, Number.POSITIVE_INFINITY);
      this.start = this.end;
    } else {
      const at = this.#held === null ? this.end : this.#fedAt;
      const left = this.#fedEnd - at;
      this.#held = null;
      if (left > 0) {
        this.#held = new Uint8Array(left);
        copyBytes(this.#fed, at, this.#fedEnd, this.#held, 0);
        this.#heldEnd = left;
      }
      this.bytes = this.#held ?? NOTHING;
      this.start = this.body = this.end = 0;
    }
    this.#fed = NOTHING;
    this.#fedAt = 0;
    this.#fedEnd = 0;
  }

  /** Everything but the plain case: long frames, cut frames, the way from the held bytes to the fed ones. */
  #nextGeneral(): boolean {
    if (this.#held !== null) {
      if (this.end < this.#heldEnd) return this.#nextHeld(this.#held);
      this.#held = null;
      this.#readFed();
    }
    const start = this.end;
    this.start = start;
    const size = this.#measure(this.bytes, start, this.#fedEnd);
    if (size === 0 || start + size > this.#fedEnd) return false;
    this.end = start + size;
    return true;
  }

  /** The next frame begins in the held bytes, and may end in the fed ones: takes over as many of these as complete it. */
  #nextHeld(held: Uint8Array): boolean {
    this.bytes = held;
    this.start = this.end;
    let size = this.#measure(this.bytes, this.start, this.#heldEnd);
    while (size === 0 && this.#fedAt < this.#fedEnd) {
      this.#hold(1, 0);
      size = this.#measure(this.bytes, this.start, this.#heldEnd);
    }
    if (size === 0) return false;
    const missing = this.start + size - this.#heldEnd;
    if (missing > 0) {
      const left = this.#fedEnd - this.#fedAt;
      this.#hold(Math.min(missing, left), size);
      if (missing > left) return false;
    }
    this.end = this.start + size;
    return true;
  }

  /**
   * Moves `count` bytes from the fed to the held ones. When the buffer is too small, the new one has twice the room, but
   * not more than the frame needs: so a large packet is copied twice at most, and a header that merely claims a large
   * packet costs nothing.
   */
  #hold(count: number, frameSize: number): void {
    if (count === 0) return;
    let held = this.bytes;
    if (this.#heldEnd + count > held.length) {
      const live = this.#heldEnd - this.end;
      held = new Uint8Array(Math.max(live + count, Math.min(frameSize, 2 * live)));
      copyBytes(this.bytes, this.end, this.#heldEnd, held, 0);
      this.#held = held;
      this.#heldEnd = live;
      this.body -= this.end;
      this.start = this.end = 0;
      this.bytes = held;
    }
    copyBytes(this.#fed, this.#fedAt, this.#fedAt + count, held, this.#heldEnd);
    this.#heldEnd += count;
    this.#fedAt += count;
  }

  #readFed(): void {
    this.bytes = this.#fed;
    this.start = this.body = this.end = this.#fedAt;
  }

  /** The size of the frame that begins at `start`, 0 while its length is not complete. Sets `body`. */
  #measure(bytes: Uint8Array, start: number, limit: number): number {
    let remaining = 0;
    let at = start + 1;
    for (let shift = 0; shift < 28; shift += 7) {
      if (at >= limit) return 0;
      const byte = bytes[at++];
      remaining |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        // [MQTT-1.5.5-1]
        if (byte === 0 && shift > 0 && this.strictLength) {
          throw new ProtocolError(ReasonCode.MALFORMED_PACKET, 'The remaining length is not in its shortest form');
        }
        const size = at - start + remaining;
        if (size > this.#leastLimit) this.#checkSize(bytes[start] >> 4, size);
        this.body = at;
        return size;
      }
    }
    throw new ProtocolError(ReasonCode.MALFORMED_PACKET, 'The remaining length has more than four bytes');
  }

  #checkSize(type: number, size: number): void {
    const typeLimit = this.#typeLimits?.[type] ?? this.maximumPacketSize;
    if (size <= typeLimit && size <= this.maximumPacketSize) return;
    throw new ProtocolError(
      ReasonCode.PACKET_TOO_LARGE,
      typeLimit < this.maximumPacketSize
        ? `The ${packetName(type as PacketType | 0)} has ${size} bytes, the largest allowed one has ${typeLimit}`
        : `The packet has ${size} bytes, the largest allowed has ${this.maximumPacketSize}`,
    );
  }
}
