import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Random } from '../../packages/cli/src/torture/random.js';

/** Which way bytes go. */
export type Direction = 'toServer' | 'toClient';

/** How a connection ends: with RST, with FIN, or without a word, so that both ends believe that it lives. */
export type Ending = 'reset' | 'end' | 'silence';

/** How bytes are treated that pass. */
export interface Treatment {
  /** The largest piece (bytes) that is passed on at once; pieces have any size up to it. */
  largestPiece: number;
  /** The chance that a piece waits, and for how long at most (milliseconds). */
  delayChance: number;
  longestDelayMs: number;
}

/** A good network: everything is passed on as it comes. */
const SMOOTH: Treatment = { largestPiece: Number.POSITIVE_INFINITY, delayChance: 0, longestDelayMs: 0 };

/**
 * A network between clients and one server that does all that TCP may do: it cuts connections anywhere in a packet, hands
 * bytes over in pieces, slowly, and swallows them. It never reorders, changes or loses anything while a connection lives.
 */
export class FaultyNetwork {
  treatment: Treatment = SMOOTH;
  /** So many connections from now on end before a byte has passed. */
  refusals = 0;
  /** So many after them are accepted, and nothing that is sent by them arrives, either way. */
  swallows = 0;
  readonly #random: Random;
  readonly #serverPort: number;
  readonly #server: Server;
  readonly #wires = new Set<Wire>();

  private constructor(random: Random, serverPort: number) {
    this.#random = random;
    this.#serverPort = serverPort;
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  static async start(random: Random, serverPort: number): Promise<FaultyNetwork> {
    const network = new FaultyNetwork(random, serverPort);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when the next client has come. */
  async connected(): Promise<void> {
    await once(this.#server, 'connection');
  }

  /** Ends all connections now. @returns how many these were */
  endAll(ending: Ending): number {
    const wires = [...this.#wires];
    for (const wire of wires) wire.end(ending);
    return wires.length;
  }

  /** Ends one connection, any of them. @returns whether there was one */
  endOne(ending: Ending): boolean {
    if (this.#wires.size === 0) return false;
    this.#random.pick([...this.#wires]).end(ending);
    return true;
  }

  /** Resolves when a connection has ended after so many further bytes, wherever in a packet that is. */
  async endAfter(bytes: number, direction: Direction, ending: Ending): Promise<void> {
    await new Promise<void>((resolve) => {
      let left = bytes;
      this.#fuse = (wire, going, length) => {
        if (going !== direction) return length;
        if (left > length) {
          left -= length;
          return length;
        }
        this.#fuse = null;
        // What comes before the cut arrives.
        setImmediate(() => {
          wire.end(ending);
          resolve();
        });
        return left;
      };
    });
  }

  /** A good network from now on. */
  calm(): void {
    this.treatment = SMOOTH;
    this.refusals = this.swallows = 0;
    this.#fuse = null;
  }

  async stop(): Promise<void> {
    this.endAll('reset');
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** Told of all bytes that are about to pass; says how many of them do before the connection is cut. */
  #fuse: ((wire: Wire, direction: Direction, length: number) => number) | null = null;

  #accept(client: Socket): void {
    if (this.refusals > 0) {
      this.refusals--;
      client.resetAndDestroy();
      return;
    }
    const wire = new Wire(client, connect({ port: this.#serverPort, host: '127.0.0.1', noDelay: true }), {
      pieceOf: (length) => {
        const { largestPiece } = this.treatment;
        return largestPiece >= length ? length : 1 + this.#random.below(Math.min(largestPiece, length));
      },
      delay: async () => {
        const { delayChance, longestDelayMs } = this.treatment;
        if (delayChance === 0 || !this.#random.chance(delayChance)) return;
        const ms = this.#random.next() * longestDelayMs;
        await new Promise((resolve) => setTimeout(resolve, ms));
      },
      passing: (direction, length) => this.#fuse?.(wire, direction, length) ?? length,
      ended: () => this.#wires.delete(wire),
    });
    this.#wires.add(wire);
    if (this.swallows > 0) {
      this.swallows--;
      wire.end('silence');
    }
  }
}

interface WireOwner {
  /** How many of so many bytes are passed on at once. */
  pieceOf(length: number): number;
  delay(): Promise<void>;
  /** @returns how many of these bytes arrive; if not all, the rest never does */
  passing(direction: Direction, length: number): number;
  ended(): void;
}

/** One connection: what the client has of it, and what the server has. */
class Wire {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #owner: WireOwner;
  #isSilent = false;
  #hasEnded = false;

  constructor(client: Socket, server: Socket, owner: WireOwner) {
    this.#client = client;
    this.#server = server;
    this.#owner = owner;
    void this.#carry(client, server, 'toServer');
    void this.#carry(server, client, 'toClient');
  }

  end(ending: Ending): void {
    if (ending === 'silence') {
      this.#isSilent = true;
      return;
    }
    this.#hasEnded = true;
    for (const socket of [this.#client, this.#server]) {
      if (ending === 'end') socket.destroySoon();
      else if (!socket.connecting) socket.resetAndDestroy();
      else socket.destroy();
    }
    this.#owner.ended();
  }

  async #carry(from: Socket, to: Socket, direction: Direction): Promise<void> {
    from.on('error', () => {}); // tells itself as the end
    try {
      for await (const bytes of from) {
        if (!(await this.#pass(bytes, to, direction))) break;
      }
    } catch {
      // As good an end as any.
    }
    if (!this.#hasEnded) this.end('end');
  }

  /** @returns whether the connection goes on */
  async #pass(bytes: Buffer, to: Socket, direction: Direction): Promise<boolean> {
    for (let at = 0; at < bytes.length; ) {
      const wanted = this.#owner.pieceOf(bytes.length - at);
      await this.#owner.delay();
      if (this.#hasEnded) return false;
      if (this.#isSilent) return true;
      const passing = this.#owner.passing(direction, wanted);
      const hasRoom = to.write(bytes.subarray(at, at + passing));
      if (passing < wanted) return new Promise(() => {}); // until it is cut, nothing more arrives
      at += wanted;
      if (!hasRoom) await Promise.race([once(to, 'drain'), once(to, 'close')]);
    }
    return true;
  }
}
