import type { Transport, TransportEvents, TransportFactory } from '@cauldron/client';
import { copyBytes, Framer, PacketType, ProtocolError, type ProtocolVersion, ReasonCode } from '@cauldron/codec';

/** Who sends or gets the messages of a lane. */
export interface LaneOwner {
  /** A message; the payload is `bytes[at..end)`, for the duration of the call. */
  message(bytes: Uint8Array, at: number, end: number): void;
  /** The handshake of a message that was sent with QoS 1 or 2 is over: accepted, or refused with a code of 0x80 or more. */
  answered(packetId: number, reasonCode: number): void;
  /** The connection is gone, and the answers that have not come will not. */
  cut(): void;
  /** The network takes more, after it did not. */
  drained(): void;
}

/** Bytes of the first chunk. */
const SMALLEST_CHUNK = 256;
/** A chunk begins at most that large: what the last one needed says little then. */
const LARGEST_FIRST_CHUNK = 65_536;
const NOTHING = new Uint8Array(0);

/**
 * The messages of one client, past the client: it connects, proves who it is, subscribes, probes and comes back, over the
 * stream that `open` gives it, and sees all packets but PUBLISH and what acknowledges it. Those are read and written in
 * place, without an object or a promise for each, so that a load costs less than the broker that it is for.
 */
export class MessageLane {
  /** Whether the broker has accepted the connection. Set by whoever asks the client. */
  isOnline = false;
  /** Where packets are written to, from `length` on, as far as `reserve` has made room; zero there. */
  chunk: Uint8Array = NOTHING;
  length = 0;
  readonly #through: TransportFactory;
  readonly #version: ProtocolVersion;
  readonly #owner: LaneOwner;
  #transport: Transport | null = null;
  #isClogged = false;
  #firstSize = SMALLEST_CHUNK;
  /** Packet ids with QoS 2 that were received and not released; as long as the session lasts. */
  readonly #unreleased = new Set<number>();

  /** @param through how the broker is reached */
  constructor(through: TransportFactory, version: ProtocolVersion, owner: LaneOwner) {
    this.#through = through;
    this.#version = version;
    this.#owner = owner;
  }

  /** Whether what is sent now leaves soon. */
  get hasRoom(): boolean {
    return this.isOnline && !this.#isClogged;
  }

  /** For the client. */
  readonly open: TransportFactory = (events) => {
    const framer = new Framer();
    framer.strictLength = this.#version === 5;
    this.#isClogged = false;
    this.#clear();
    const transport = this.#through({
      opened: () => events.opened(),
      data: (bytes, length) => this.#read(framer, bytes, length, transport, events),
      drained: () => {
        this.#isClogged = false;
        this.flush();
        this.#owner.drained();
        events.drained();
      },
      closed: (error) => {
        if (this.#transport !== transport) return;
        this.#transport = null;
        this.isOnline = false;
        this.#owner.cut();
        events.closed(error);
      },
    });
    this.#transport = transport;
    return {
      write: (bytes) => {
        this.flush();
        const takesMore = transport.write(bytes);
        this.#isClogged = !takesMore;
        return takesMore;
      },
      end: () => transport.end(),
      destroy: () => transport.destroy(),
      pause: () => transport.pause(),
      resume: () => transport.resume(),
    };
  };

  /** The broker has begun a new session. */
  forget(): void {
    this.#unreleased.clear();
  }

  /** Makes room for so many bytes. The writer fills them, and adds their count to `length`. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.chunk.length) return;
    const larger = new Uint8Array(Math.max(this.length === 0 ? this.#firstSize : this.chunk.length * 2, needed));
    copyBytes(this.chunk, 0, this.length, larger, 0);
    this.chunk = larger;
  }

  /** Hands over what was written, if the network takes it. */
  flush(): void {
    if (this.length === 0 || this.#isClogged || this.#transport === null) return;
    const bytes = this.chunk.subarray(0, this.length);
    this.#firstSize = Math.max(SMALLEST_CHUNK, Math.min(this.length, LARGEST_FIRST_CHUNK));
    this.#clear();
    this.#isClogged = !this.#transport.write(bytes);
  }

  #clear(): void {
    this.chunk = NOTHING;
    this.length = 0;
  }

  #read(framer: Framer, bytes: Uint8Array, length: number, transport: Transport, events: TransportEvents): void {
    try {
      framer.feed(bytes, length);
      while (this.#transport === transport && framer.next()) this.#take(framer, events);
      framer.finish();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      transport.destroy();
      this.#transport = null;
      this.isOnline = false;
      this.#owner.cut();
      events.closed(new Error(`The broker broke the protocol: ${error.message}`));
      return;
    }
    this.flush();
  }

  #take({ bytes, start, body, end }: Framer, events: TransportEvents): void {
    switch (bytes[start] >> 4) {
      case PacketType.PUBLISH:
        this.#takePublish(bytes, start, body, end);
        break;
      case PacketType.PUBACK:
      case PacketType.PUBCOMP:
        this.#owner.answered(idAt(bytes, body, end), codeAt(bytes, body, end));
        break;
      case PacketType.PUBREC: {
        const packetId = idAt(bytes, body, end);
        const code = codeAt(bytes, body, end);
        if (code >= ReasonCode.UNSPECIFIED_ERROR) this.#owner.answered(packetId, code);
        else this.#acknowledge(PacketType.PUBREL, packetId);
        break;
      }
      case PacketType.PUBREL: {
        const packetId = idAt(bytes, body, end);
        this.#unreleased.delete(packetId);
        this.#acknowledge(PacketType.PUBCOMP, packetId);
        break;
      }
      default:
        events.data(bytes.subarray(start, end), end - start);
    }
  }

  #takePublish(bytes: Uint8Array, start: number, body: number, end: number): void {
    const qos = (bytes[start] >> 1) & 3;
    let at = body + 2 + ((bytes[body] << 8) | bytes[body + 1]);
    const packetId = qos === 0 ? 0 : idAt(bytes, at, end);
    if (qos > 0) at += 2;
    if (this.#version === 5) at = afterProperties(bytes, at, end);
    if (at > end || qos === 3) throw malformed('PUBLISH');
    if (qos === 2) {
      const isKnown = this.#unreleased.has(packetId);
      this.#unreleased.add(packetId);
      this.#acknowledge(PacketType.PUBREC, packetId);
      if (isKnown) return;
    } else if (qos === 1) {
      this.#acknowledge(PacketType.PUBACK, packetId);
    }
    this.#owner.message(bytes, at, end);
  }

  #acknowledge(type: PacketType, packetId: number): void {
    this.reserve(4);
    const { chunk, length } = this;
    chunk[length] = (type << 4) | (type === PacketType.PUBREL ? 2 : 0); // [MQTT-3.6.1-1]
    chunk[length + 1] = 2;
    chunk[length + 2] = packetId >> 8;
    chunk[length + 3] = packetId & 0xff;
    this.length = length + 4;
  }
}

function idAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) throw malformed('a packet');
  return (bytes[at] << 8) | bytes[at + 1];
}

/** The reason code of an acknowledgement; it may be left out when all is well. */
function codeAt(bytes: Uint8Array, body: number, end: number): number {
  return body + 2 < end ? bytes[body + 2] : 0;
}

/** What a message says besides, such as an alias, is of no use here: the payload tells what it is. */
function afterProperties(bytes: Uint8Array, at: number, end: number): number {
  let size = 0;
  for (let shift = 0; shift < 28 && at < end; shift += 7) {
    const byte = bytes[at++];
    size |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at + size;
  }
  throw malformed('PUBLISH');
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(ReasonCode.MALFORMED_PACKET, `${what} ends too early`);
}
