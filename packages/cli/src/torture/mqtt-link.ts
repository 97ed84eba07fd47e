import { connect, type Socket } from 'node:net';
import { decodePacket, encodePacket, Framer, type Packet, type ProtocolVersion } from '@cauldron/codec';

export interface LinkEvents {
  /** The connection is there, and nothing has been said. */
  opened(): void;
  /** What is in the packet is borrowed until the call returns. */
  packet(packet: Packet): void;
  /** Called once, when the other end or the network has ended it; not after `drop`. */
  ended(why: string): void;
}

/** Packets over one TCP connection, without opinions about them. */
export class MqttLink {
  readonly #socket: Socket;
  readonly #version: ProtocolVersion;
  readonly #framer = new Framer();
  readonly #events: LinkEvents;
  #why = 'closed without a word';
  #isOver = false;

  constructor(port: number, version: ProtocolVersion, events: LinkEvents) {
    this.#version = version;
    this.#events = events;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.on('connect', () => {
      if (!this.#isOver) events.opened();
    });
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes));
    this.#socket.on('error', (error) => {
      this.#why = error.message;
    });
    this.#socket.on('close', () => {
      if (this.#isOver) return;
      this.#isOver = true;
      events.ended(this.#why);
    });
  }

  send(...packets: readonly Packet[]): void {
    if (this.#isOver || packets.length === 0) return;
    const bytes = packets.map((packet) => encodePacket(packet, this.#version));
    this.#socket.write(bytes.length === 1 ? bytes[0] : Buffer.concat(bytes));
  }

  /** Ends the connection as a broken network does, and says nothing any more. */
  drop(): void {
    this.#isOver = true;
    const socket = this.#socket;
    // A socket that is being shut down cannot be reset: the other end has said goodbye before.
    if (socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
  }

  /** Takes no more packets, but leaves the connection to the other end. */
  ignore(): void {
    this.#isOver = true;
  }

  #read(bytes: Buffer): void {
    const framer = this.#framer;
    framer.feed(bytes, bytes.length);
    try {
      while (!this.#isOver && framer.next()) {
        this.#events.packet(decodePacket(framer.bytes, framer.start, framer.body, framer.end, this.#version));
      }
    } catch (error) {
      this.#why = `sent what is no MQTT: ${(error as Error).message}`;
      this.#socket.destroy();
    }
    framer.finish();
  }
}
