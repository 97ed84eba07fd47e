import type { Socket } from 'node:net';
import type { Link, LinkHandler, TlsSession } from '../core/ports/link.js';
import { type AcceptedHandle, readBuffer, readingInPlace } from './accepted-socket.js';
import type { DirectWrites } from './direct-writes.js';
import type { Handshakes } from './handshakes.js';
import { lingeringLinks } from './linger.js';
import type { ProxyGate, ProxyPreface } from './proxy-gate.js';
import { ProxyHeaderError } from './proxy-protocol.js';
import { ENDED_IN_HANDSHAKE, notTls } from './tls-failures.js';
import { TLS_HANDSHAKE } from './tls-hello.js';
import { type ListenerTls, TlsHandshake, TlsRefusal } from './tls-socket.js';

/** Called for each new connection; the handler gets everything that happens to the link afterwards. */
export type AcceptLink = (link: Link) => LinkHandler;

/** What a link needs to know of the listener that it came in by. */
export interface LinkOwner {
  /** 0 for a Unix socket. */
  readonly localPort: number;
  /** Of a Unix socket; null: it is none. */
  readonly path: string | null;
  readonly transport: string;
  /** How it speaks TLS; null: it does not. Asked of when a handshake begins. */
  readonly tls: ListenerTls | null;
  readonly handshakes: Handshakes;
  /** Where connections wait for what their proxy says of them; null: the listener stands behind none. */
  readonly proxies: ProxyGate | null;
  /** Called for each connection: at once, or when its proxy has said who it is. */
  readonly accept: AcceptLink;
  /** Takes a connection whose first bytes are HTTP; null where HTTP is not spoken. */
  readonly takeHttp: ((link: SocketLink, socket: Socket, firstBytes: Buffer) => void) | null;
  /** A connection is ended before it was accepted. */
  linkRejected(link: SocketLink, reason: string): void;
  linkClosed(link: SocketLink): void;
}

/** What carries the bytes of a link after its connection has become a WebSocket. */
export interface LinkUpgrade {
  write(bytes: Uint8Array): void;
  /** `bytes[0, length)` came in; they may be written into. */
  received(bytes: Uint8Array, length: number): void;
  end(): void;
}

const Phase = {
  /** Nothing has been read yet. */
  NEW: 0,
  /** Bytes are MQTT. */
  OPEN: 1,
  /** On a listener behind a proxy: its header is awaited, and nobody has accepted the link; `NEW` follows. */
  PREFACE: 2,
  /** On a listener with TLS: nothing has been read yet. */
  HELLO: 3,
  /** The TLS handshake is under way; `NEW` follows. */
  HANDSHAKE: 4,
  /** HTTP until the WebSocket handshake is done. */
  HTTP: 5,
  /** Bytes are those of WebSocket messages. */
  UPGRADED: 6,
  /** Ended or destroyed by us, or ended by the peer: nothing is written and read any more. */
  ENDING: 7,
  CLOSED: 8,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

const LETTER_G = 0x47; // of `GET`; as an MQTT packet it would be a PUBACK, which can never come first
/** How the other requests of HTTP begin. None is the beginning of a CONNECT. */
const HTTP_BEGINNINGS: readonly string[] = ['HEAD', 'POST', 'OPTI', 'PUT ', 'DELE'];

/** For a link that nobody has accepted yet. */
const NOBODY: LinkHandler = { onRead() {}, onDrain() {}, onClose() {} };

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
  /** What the socket says, or the proxy before it. */
  remoteAddress: string;
  remotePort: number;
  readonly #owner: LinkOwner;
  /** From the first byte of a TLS handshake on, it is the one that speaks TLS. */
  #socket: LinkedSocket;
  #handler: LinkHandler;
  #phase: Phase;
  /** Not null in the phase of this name. */
  #preface: ProxyPreface | null = null;
  /** The beginning of a TLS handshake, where it has to be there as a whole; null: nothing has come. */
  #hello: Buffer | null = null;
  /** A `write` returned false, `onDrain` is owed. */
  #stalled = false;
  /** What came in belongs to the stream listeners of the HTTP server. */
  #streaming = false;
  #upgrade: LinkUpgrade | null = null;
  #error: Error | null = null;
  /** Not null: what is written does not go through the stream of the socket. */
  readonly #writes: DirectWrites | null;
  /** Such writes that have not ended. */
  #unfinished = 0;

  private constructor(socket: Socket, owner: LinkOwner, address: string, port: number, writes: DirectWrites | null) {
    this.#owner = owner;
    this.#writes = writes;
    // The client of a Unix socket has no address: it is called by that of the socket, as in Mosquitto's log.
    this.remoteAddress = owner.path ?? address;
    this.remotePort = port;
    this.#socket = this.#listenTo(socket);
    socket.on('error', onSocketError);
    if (owner.proxies === null) {
      this.#phase = owner.tls === null ? Phase.NEW : Phase.HELLO;
      this.#handler = owner.accept(this);
    } else {
      this.#phase = Phase.PREFACE;
      this.#handler = NOBODY;
      this.#preface = owner.proxies.begin(this);
    }
  }

  /** Takes a connection that a server without TLS accepted, reading in place. */
  static inPlace(handle: AcceptedHandle, owner: LinkOwner, writes: DirectWrites | null): SocketLink {
    // Asked of the handle: a socket would keep the answer in an object of its own.
    const peer: { address?: string; port?: number } = {};
    handle.getpeername?.(peer);
    const socket = readingInPlace(handle, onReceiveInPlace);
    const link = new SocketLink(socket, owner, peer.address ?? '', peer.port ?? 0, writes);
    socket.resume();
    return link;
  }

  /** Takes a socket by its `data` events: what every runtime and every kind of socket can do. */
  static listen(socket: Socket, owner: LinkOwner): SocketLink {
    const link = new SocketLink(socket, owner, socket.remoteAddress ?? '', socket.remotePort ?? 0, null);
    socket.on('data', onSocketData);
    return link;
  }

  /** The link of a socket that was handed to `LinkOwner.takeHttp`. */
  static of(socket: object): SocketLink {
    return (socket as LinkedSocket)[LINK];
  }

  get transport(): string {
    return this.#streaming || this.#upgrade !== null ? 'websocket' : this.#owner.transport;
  }

  get localPort(): number {
    return this.#owner.localPort;
  }

  get pendingBytes(): number {
    const streamed = this.#socket.writableLength;
    return this.#unfinished === 0 ? streamed : streamed + (this.#writes?.pendingBytes(this.#socket) ?? 0);
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (this.#phase <= Phase.OPEN) {
      if (this.#writes !== null) return this.#writeDirectly(this.#writes, bytes);
      socket.write(bytes);
    } else if (this.#phase === Phase.UPGRADED) this.#upgrade?.write(bytes);
    else return true;
    if (socket.writableLength === 0) return true;
    this.#stalled = true;
    return false;
  }

  pause(): void {
    if (this.#phase <= Phase.OPEN || this.#phase === Phase.UPGRADED) this.#socket.pause();
  }

  resume(): void {
    if (this.#phase <= Phase.OPEN || this.#phase === Phase.UPGRADED) this.#socket.resume();
  }

  end(): void {
    if (this.#phase >= Phase.ENDING) return;
    if (this.#phase >= Phase.PREFACE && this.#phase <= Phase.HTTP) {
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

  /** The WebSocket handshake is done. From now on `upgrade` writes, gets what comes in, and calls `deliver`. */
  upgraded(upgrade: LinkUpgrade): void {
    if (this.#phase !== Phase.HTTP) return;
    this.#phase = Phase.UPGRADED;
    this.#streaming = false;
    this.#upgrade = upgrade;
    this.#socket.on('data', onSocketData); // Also in place: what came with the request is still in the stream.
  }

  /** `bytes[0, length)` came in as WebSocket messages. */
  deliver(bytes: Uint8Array, length: number): void {
    if (this.#phase === Phase.UPGRADED) this.#handler.onRead(bytes, length);
  }

  /** Cuts the connection for this reason. */
  abort(reason: string): void {
    this.failed(new Error(reason));
    this.destroy();
  }

  /** Ends the connection before anybody accepted it. */
  reject(reason: string): void {
    if (this.#phase !== Phase.PREFACE) return;
    this.#owner.linkRejected(this, reason);
    this.destroy();
  }

  /** Keeps the first thing that went wrong, for `onClose`. */
  failed(error: Error): void {
    this.#error ??= error;
  }

  /** For the socket's listeners below. */
  closed(): void {
    if (this.#phase === Phase.CLOSED) return;
    this.#phase = Phase.CLOSED;
    lingeringLinks.delete(this);
    this.#preface?.gate.finish(this);
    this.#owner.linkClosed(this);
    this.#handler.onClose(this.#error);
  }

  /** For the socket's listeners below: false stops reading. */
  received(bytes: Uint8Array, length: number): boolean {
    if (this.#phase === Phase.OPEN) {
      this.#handler.onRead(bytes, length);
      return true;
    }
    if (this.#upgrade !== null) {
      this.#upgrade.received(bytes, length);
      return true;
    }
    if (this.#streaming) return this.#socket.push(Buffer.from(bytes.subarray(0, length)));
    if (this.#phase === Phase.NEW) this.#receivedFirst(bytes, length);
    else if (this.#phase === Phase.HELLO) this.#receivedHello(bytes, length);
    else if (this.#phase === Phase.PREFACE) this.#receivedPreface(bytes.subarray(0, length));
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
    if (this.#phase === Phase.HANDSHAKE || this.#hello !== null) this.failed(new Error(ENDED_IN_HANDSHAKE));
    if (this.#preface?.isPartial) this.#owner.linkRejected(this, 'it ended in the middle of the PROXY header');
    // The socket ends itself after what is written; without the deadline a peer that does not read could hold it.
    this.#phase = Phase.ENDING;
    lingeringLinks.add(this);
  }

  #writeDirectly(writes: DirectWrites, bytes: Uint8Array): boolean {
    const isDone = writes.write(this.#socket, bytes, () => {
      if (--this.#unfinished === 0) this.drained();
    });
    if (isDone) return true;
    this.#unfinished++;
    this.#stalled = true;
    return false;
  }

  #listenTo(socket: Socket): LinkedSocket {
    socket.on('end', onSocketEnd);
    socket.on('drain', onSocketDrain);
    socket.on('close', onSocketClose);
    return Object.assign(socket, { [LINK]: this });
  }

  #receivedPreface(bytes: Uint8Array): void {
    const preface = this.#preface;
    if (preface === null) return;
    let taken: ReturnType<ProxyPreface['take']>;
    try {
      taken = preface.take(bytes);
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error;
      this.reject(error.message);
      return;
    }
    if (taken === null) return;
    const { header, rest } = taken;
    if (header.source !== null) {
      this.remoteAddress = header.source.address;
      this.remotePort = header.source.port;
    }
    const objection = preface.gate.objectionTo(header);
    if (objection !== null) {
      this.reject(objection);
      return;
    }
    this.tls = header.tls;
    preface.gate.finish(this);
    this.#preface = null;
    this.#phase = Phase.NEW;
    this.#handler = this.#owner.accept(this);
    if (rest.length > 0) this.received(rest, rest.length);
  }

  /** TLS begins with its first byte, so that a peer that says nothing costs no more than without it. */
  #receivedHello(bytes: Uint8Array, length: number): void {
    const { tls, handshakes } = this.#owner;
    const received = Buffer.from(bytes.subarray(0, length));
    const hello = this.#hello === null ? received : Buffer.concat([this.#hello, received]);
    if (tls === null || hello[0] !== TLS_HANDSHAKE) {
      this.abort(notTls(hello[0]));
      return;
    }
    if (this.#hello === null) handshakes.begin(this);
    if (!tls.canBegin(hello)) {
      this.#hello = hello;
      return;
    }
    this.#hello = null;
    this.#phase = Phase.HANDSHAKE;
    const accepted = this.#socket;
    accepted.pause();
    accepted.removeListener('data', onSocketData);
    accepted.removeListener('end', onSocketEnd);
    accepted.removeListener('drain', onSocketDrain);
    accepted.removeListener('close', onSocketClose);
    accepted.unshift(hello);
    const handshake = new TlsHandshake(accepted, tls, hello);
    const { socket } = handshake;
    socket.on('error', (error) => {
      this.failed(new Error(handshake.failure(error), { cause: error }));
      socket.destroy();
    });
    socket.once('secure', () => this.#secured(handshake));
    this.#socket = this.#listenTo(socket);
    socket.on('data', onSocketData);
  }

  #secured(handshake: TlsHandshake): void {
    this.#owner.handshakes.finish(this);
    if (this.#phase !== Phase.HANDSHAKE) return;
    try {
      this.tls = handshake.session();
      const { tls } = this.#owner;
      const objection = tls === null || tls === handshake.tls ? null : tls.objectionTo(this.tls);
      if (objection === null) this.#phase = Phase.NEW;
      else this.abort(`TLS: ${objection}`);
    } catch (error) {
      if (!(error instanceof TlsRefusal)) throw error;
      this.abort(error.message);
    }
  }

  #receivedFirst(bytes: Uint8Array, length: number): void {
    const takeHttp = this.#owner.takeHttp;
    if (takeHttp === null || !isHttp(bytes, length)) {
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

/** A `G` alone is enough, as nothing of MQTT can begin with it; of others, more has to have come with the first read. */
function isHttp(bytes: Uint8Array, length: number): boolean {
  if (bytes[0] === LETTER_G) return true;
  return length >= 4 && HTTP_BEGINNINGS.includes(String.fromCharCode(bytes[0], bytes[1], bytes[2], bytes[3]));
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
  this[LINK].closed();
}
