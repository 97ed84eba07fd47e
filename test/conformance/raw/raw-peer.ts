import type { Channel, ChannelEvents } from './channels.js';
import { type PacketOf, packetLength } from './packet-fields.js';
import type { PacketName, ProtocolLevel } from './packet-writer.js';
import type { Trace } from './trace.js';

/** What is judged did not do what the test demands. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
}

export interface RawPeerOptions {
  readonly level: ProtocolLevel;
  /** How the trace calls it. */
  readonly label: string;
  readonly trace: Trace;
  /** How long to wait for anything that has to come. */
  readonly timeoutMs: number;
}

/**
 * One end of a network connection without opinions: it sends what it is told, answers nothing by itself, and keeps each
 * packet that comes until it is asked for. Every packet that comes is read strictly, so a malformed one fails the test
 * that met it.
 */
export abstract class RawPeer<P extends { readonly name: PacketName }> implements ChannelEvents {
  readonly level: ProtocolLevel;
  readonly #options: RawPeerOptions;
  /** The other end, in the words of a failure. */
  readonly #other: string;
  readonly #inbox: P[] = [];
  #channel: Channel | null = null;
  #bytes: Buffer = Buffer.alloc(0);
  #failure: Error | null = null;
  #isEnded = false;
  #wake: () => void = () => {};

  constructor(options: RawPeerOptions, other: string) {
    this.level = options.level;
    this.#options = options;
    this.#other = other;
  }

  /** Reads a whole packet of the other end. @throws MalformedPacketError */
  protected abstract read(packet: Buffer): P;

  /** Called once, with the open connection. */
  attach(channel: Channel): void {
    this.#channel = channel;
  }

  onBytes(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    try {
      for (;;) {
        const length = packetLength(this.#bytes);
        if (length === undefined || length > this.#bytes.length) break;
        const packet = this.#bytes.subarray(0, length);
        this.#bytes = this.#bytes.subarray(length);
        this.#options.trace.received(this.#options.label, packet);
        this.#inbox.push(this.read(packet));
      }
    } catch (error) {
      this.#failure ??= error as Error;
    }
    this.#wake();
  }

  onEnd(): void {
    this.#options.trace.note(this.#options.label, 'the connection is closed');
    this.#isEnded = true;
    this.#wake();
  }

  /** Sends bytes as they are, in one piece. */
  send(...packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#options.trace.sent(this.#options.label, packet);
    this.#channel?.write(packets.length === 1 ? packets[0] : Buffer.concat(packets));
  }

  /** Sends a piece of the stream, which may begin and end within a packet. */
  sendPiece(bytes: Uint8Array): void {
    this.#options.trace.note(this.#options.label, `sends ${bytes.length} bytes, cut anywhere`);
    this.#channel?.write(bytes);
  }

  /** Ends the connection as a broken network does: no DISCONNECT. */
  drop(): void {
    this.#options.trace.note(this.#options.label, 'drops the connection');
    this.#channel?.destroy();
  }

  /** Stops reading until `resume`, so that the broker's bytes pile up. */
  pause(): void {
    this.#channel?.pause();
  }

  resume(): void {
    this.#channel?.resume();
  }

  /** The next packet, which has to be this one. @throws (rejects) ConformanceFailure */
  async receive<N extends P['name']>(name: N): Promise<PacketOf<N, P>> {
    const packet = await this.#next(() => this.#inbox.shift(), name);
    if (packet.name !== name) throw new ConformanceFailure(`${packet.name} came where ${name} was expected`);
    return packet as PacketOf<N, P>;
  }

  /** The first packet of this kind, whatever else came before it; the others stay for later. */
  async take<N extends P['name']>(
    name: N,
    isWanted: (packet: PacketOf<N, P>) => boolean = () => true,
  ): Promise<PacketOf<N, P>> {
    const packet = await this.#next(() => {
      const index = this.#inbox.findIndex((one) => one.name === name && isWanted(one as PacketOf<N, P>));
      return index < 0 ? undefined : this.#inbox.splice(index, 1)[0];
    }, name);
    return packet as PacketOf<N, P>;
  }

  /** The packets that came and were not asked for yet; they stay. */
  get unread(): readonly P[] {
    return this.#inbox;
  }

  /** Waits until the other end has closed the connection. @returns what came before and was not read */
  async ended(): Promise<readonly P[]> {
    await this.#until(() => this.#isEnded || this.#failure !== null, 'the end of the connection');
    if (this.#failure !== null) throw this.#failure;
    return this.#inbox.splice(0);
  }

  /** Whether the connection is closed. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  async #next(find: () => P | undefined, name: string): Promise<P> {
    let found: P | undefined;
    await this.#until(() => {
      found = find();
      return found !== undefined || this.#isEnded || this.#failure !== null;
    }, name);
    if (found !== undefined) return found;
    if (this.#failure !== null) throw this.#failure;
    throw new ConformanceFailure(`The ${this.#other} closed the connection where ${name} was expected`);
  }

  async #until(isTrue: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + this.#options.timeoutMs;
    while (!isTrue()) {
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new ConformanceFailure(
          `${what} did not come within ${this.#options.timeoutMs} ms (${this.#options.label})`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

export function codeText(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}
