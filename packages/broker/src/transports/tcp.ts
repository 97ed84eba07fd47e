import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Link, LinkHandler, TlsSession } from '../core/ports/link.js';
import { readBuffer, takeOver } from './accepted-socket.js';
import type { Handshakes } from './handshakes.js';
import { lingeringLinks } from './linger.js';
import { ENDED_IN_HANDSHAKE, notTls, notTrusted, tlsFailure } from './tls-failures.js';
import { type ListenerTls, startTls, TLS_HANDSHAKE, tlsSessionOf, verifyProblem } from './tls-socket.js';

/** Called for each new connection; the handler gets everything that happens to the link afterwards. */
export type AcceptLink = (link: Link) => LinkHandler;

/** What a link needs to know of the listener that it came in by. */
export interface LinkOwner {
  readonly localPort: number;
  readonly transport: string;
  /** How it speaks TLS; null: it does not. Asked of when a handshake begins. */
  readonly tls: ListenerTls | null;
  readonly handshakes: Handshakes;
  /** Takes a connection whose first bytes are HTTP; null where HTTP is not spoken. */
  readonly takeHttp: ((link: SocketLink, socket: Socket, firstBytes: Buffer) => void) | null;
  linkClosed(link: SocketLink): void;
}

/** What carries the bytes of a link after its connection has become a WebSocket. */
export interface LinkUpgrade {
  write(bytes: Uint8Array): void;
  pause(): void;
  resume(): void;
  end(): void;
}

const Phase = {
  /** Nothing has been read yet. */
  NEW: 0,
  /** Bytes are MQTT. */
  OPEN: 1,
  /** On a listener with TLS: nothing has been read yet. */
  HELLO: 2,
  /** The TLS handshake is under way; `NEW` follows. */
  HANDSHAKE: 3,
  /** HTTP until the WebSocket handshake is done. */
  HTTP: 4,
  /** Bytes are those of WebSocket messages. */
  UPGRADED: 5,
  /** Ended or destroyed by us, or ended by the peer: nothing is written and read any more. */
  ENDING: 6,
  CLOSED: 7,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

const LETTER_G = 0x47; // of `GET`; as an MQTT packet it would be a PUBACK, which can never come first

const LINK = Symbol('link');
interface LinkedSocket extends Socket {
  [LINK]: SocketLink;
}

/**
 * A link over a stream socket (TCP, Unix, TLS). All sockets share the same listener functions, which find their link
 * through the socket: an idle connection costs this object and the socket, and nothing else.
 */
export class SocketLink implements Link {
  tls: TlsSession | null = null;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #owner: LinkOwner;
  /** From the first byte of a TLS handshake on, it is the one that speaks TLS. */
  #socket: LinkedSocket;
  readonly #handler: LinkHandler;
  #phase: Phase;
  /** A `write` returned false, `onDrain` is owed. */
  #stalled = false;
  /** What came in belongs to the stream listeners of the HTTP server and of `ws`. */
  #streaming = false;
  #upgrade: LinkUpgrade | null = null;
  #error: Error | null = null;

  private constructor(socket: Socket, owner: LinkOwner, address: string, port: number, accept: AcceptLink) {
    this.#owner = owner;
    this.remoteAddress = address;
    this.remotePort = port;
    this.#phase = owner.tls === null ? Phase.NEW : Phase.HELLO;
    this.#socket = this.#listenTo(socket);
    socket.on('error', onSocketError);
    this.#handler = accept(this);
  }

  /** Takes a socket that a server without TLS accepted, reading in place. Null: the connection is gone already. */
  static takeOver(accepted: Socket, owner: LinkOwner, accept: AcceptLink): SocketLink | null {
    // Asked of the socket that is thrown away, which keeps the answer in an object of its own.
    const address = accepted.remoteAddress ?? '';
    const port = accepted.remotePort ?? 0;
    const socket = takeOver(accepted, onReceiveInPlace);
    if (socket === null) return null;
    const link = new SocketLink(socket, owner, address, port, accept);
    socket.resume();
    return link;
  }

  /** Takes a socket by its `data` events: what every runtime and every kind of socket can do. */
  static listen(socket: Socket, owner: LinkOwner, accept: AcceptLink): SocketLink {
    const link = new SocketLink(socket, owner, socket.remoteAddress ?? '', socket.remotePort ?? 0, accept);
    socket.on('data', onSocketData);
    return link;
  }

  /** The link of a socket that was handed to `LinkOwner.takeHttp`. */
  static of(socket: object): SocketLink {
    return (socket as LinkedSocket)[LINK];
  }

  get transport(): string {
    return this.#streaming ? 'websocket' : this.#owner.transport;
  }

  get localPort(): number {
    return this.#owner.localPort;
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#phase <= Phase.OPEN) socket.write(bytes);
    else if (this.#phase === Phase.UPGRADED) this.#upgrade?.write(bytes);
    else return true;
    if (socket.writableLength === 0) return true;
    this.#stalled = true;
    return false;
  }

  pause(): void {
    if (this.#phase <= Phase.OPEN) this.#socket.pause();
    else if (this.#phase === Phase.UPGRADED) this.#upgrade?.pause();
  }

  resume(): void {
    if (this.#phase <= Phase.OPEN) this.#socket.resume();
    else if (this.#phase === Phase.UPGRADED) this.#upgrade?.resume();
  }

  end(): void {
    if (this.#phase >= Phase.ENDING) return;
    if (this.#phase >= Phase.HELLO && this.#phase <= Phase.HTTP) {
      // In the middle of a handshake there is nothing to be sent.
      this.destroy();
      return;
    }
    this.#phase = Phase.ENDING;
    lingeringLinks.add(this);
    if (this.#upgrade !== null) {
      this.#upgrade.end();
      return;
    }
    this.#socket.end();
    // Unread bytes would hide the peer's end; and closing over them resets the connection, which can cost the peer the
    // last bytes that it was sent. They are read and dropped.
    this.#socket.resume();
  }

  destroy(): void {
    if (this.#phase < Phase.ENDING) this.#phase = Phase.ENDING;
    this.#socket.destroy();
  }

  /** The WebSocket handshake is done. From now on `upgrade` writes, and calls `deliver` and `closed`. */
  upgraded(upgrade: LinkUpgrade): void {
    if (this.#phase !== Phase.HTTP) return;
    this.#phase = Phase.UPGRADED;
    this.#upgrade = upgrade;
  }

  /** What came in as WebSocket messages. */
  deliver(bytes: Uint8Array): void {
    if (this.#phase === Phase.UPGRADED) this.#handler.onRead(bytes, bytes.length);
  }

  /** Cuts the connection for this reason. */
  abort(reason: string): void {
    this.failed(new Error(reason));
    this.destroy();
  }

  /** Keeps the first thing that went wrong, for `onClose`. */
  failed(error: Error): void {
    this.#error ??= error;
  }

  closed(): void {
    if (this.#phase === Phase.CLOSED) return;
    this.#phase = Phase.CLOSED;
    lingeringLinks.delete(this);
    this.#owner.linkClosed(this);
    this.#handler.onClose(this.#error);
  }

  /** For the socket's listeners below: false stops reading. */
  received(bytes: Uint8Array, length: number): boolean {
    if (this.#phase === Phase.OPEN) {
      this.#handler.onRead(bytes, length);
      return true;
    }
    if (this.#streaming) return this.#socket.push(Buffer.from(bytes.subarray(0, length)));
    if (this.#phase === Phase.NEW) this.#receivedFirst(bytes, length);
    else if (this.#phase === Phase.HELLO) this.#receivedHello(bytes, length);
    return true;
  }

  /** For the socket's listeners below. */
  drained(): void {
    if (!this.#stalled || this.#phase >= Phase.ENDING) return;
    this.#stalled = false;
    this.#handler.onDrain();
  }

  /** For the socket's listeners below. */
  ended(): void {
    if (this.#streaming || this.#phase >= Phase.ENDING) return;
    if (this.#phase === Phase.HANDSHAKE) this.failed(new Error(ENDED_IN_HANDSHAKE));
    // The socket ends itself after what is written; without the deadline a peer that does not read could hold it.
    this.#phase = Phase.ENDING;
    lingeringLinks.add(this);
  }

  /** For the socket's listeners below. */
  socketClosed(): void {
    // `ws` may have messages left, and says itself when it is through.
    if (this.#upgrade === null) this.closed();
  }

  #listenTo(socket: Socket): LinkedSocket {
    socket.on('end', onSocketEnd);
    socket.on('drain', onSocketDrain);
    socket.on('close', onSocketClose);
    return Object.assign(socket, { [LINK]: this });
  }

  /** TLS begins with its first byte, so that a peer that says nothing costs no more than without it. */
  #receivedHello(bytes: Uint8Array, length: number): void {
    const { tls, handshakes } = this.#owner;
    if (tls === null || bytes[0] !== TLS_HANDSHAKE) {
      this.abort(notTls(bytes[0]));
      return;
    }
    this.#phase = Phase.HANDSHAKE;
    handshakes.begin(this);
    const accepted = this.#socket;
    accepted.pause();
    accepted.removeListener('data', onSocketData);
    accepted.removeListener('end', onSocketEnd);
    accepted.removeListener('drain', onSocketDrain);
    accepted.removeListener('close', onSocketClose);
    accepted.unshift(Buffer.from(bytes.subarray(0, length)));
    const socket = startTls(accepted, tls);
    socket.on('error', (error) => {
      this.failed(new Error(tlsFailure(error), { cause: error }));
      socket.destroy();
    });
    socket.once('secure', () => this.#secured(socket, tls));
    this.#socket = this.#listenTo(socket);
    socket.on('data', onSocketData);
  }

  #secured(socket: TLSSocket, tls: ListenerTls): void {
    this.#owner.handshakes.finish(this);
    if (this.#phase !== Phase.HANDSHAKE) return;
    const problem = tls.requireCertificate ? verifyProblem(socket) : null;
    if (problem !== null) {
      this.abort(notTrusted(problem, socket.getPeerX509Certificate()));
      return;
    }
    this.tls = tlsSessionOf(socket, tls);
    this.#phase = Phase.NEW;
  }

  #receivedFirst(bytes: Uint8Array, length: number): void {
    const takeHttp = this.#owner.takeHttp;
    if (bytes[0] !== LETTER_G || takeHttp === null) {
      this.#phase = Phase.OPEN;
      this.#handler.onRead(bytes, length);
      return;
    }
    this.#phase = Phase.HTTP;
    this.#streaming = true;
    this.#socket.removeListener('data', onSocketData);
    takeHttp(this, this.#socket, Buffer.from(bytes.subarray(0, length)));
  }
}

function onReceiveInPlace(this: Socket, length: number): boolean {
  return (this as LinkedSocket)[LINK].received(readBuffer, length);
}

function onSocketData(this: LinkedSocket, chunk: Buffer): void {
  this[LINK].received(chunk, chunk.length);
}

function onSocketError(this: LinkedSocket, error: Error): void {
  this[LINK].failed(error);
}

function onSocketEnd(this: LinkedSocket): void {
  this[LINK].ended();
}

function onSocketDrain(this: LinkedSocket): void {
  this[LINK].drained();
}

function onSocketClose(this: LinkedSocket): void {
  this[LINK].socketClosed();
}
