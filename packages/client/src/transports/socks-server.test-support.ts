import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy of the tests does at each step, instead of what is right. */
export interface SocksBehaviour {
  /** The method that it chooses. Default: user and password if it has `user`, else none. */
  method?: number;
  /** Whom it lets in. */
  user?: { username: string; password: string };
  /** Sent at once to everybody, before anything is read. */
  greeting?: Uint8Array | string;
  /** What it answers to CONNECT with. Default: 0, and it connects. */
  reply?: number;
  /** Type and address that it says to connect from. Default: 0.0.0.0. */
  boundAddress?: readonly number[];
  /** Leaves after this many bytes that it has sent. */
  leavesAfter?: number;
  /** Says nothing at all. */
  isSilent?: boolean;
  /** Sent together with its last answer, as if the server had said it at once. */
  hurriedServer?: Uint8Array;
  /** Sends each byte by itself. */
  dribbles?: boolean;
}

/** A SOCKS server of version 5 for one test; it connects to the port of 127.0.0.1 that was asked for, whatever the host. */
export class SocksServer {
  /** The hosts that were asked for: names and addresses, as they came. */
  readonly asked: string[] = [];
  /** Resolved when its first client is gone. */
  readonly left: Promise<void>;
  readonly #server: Server;
  readonly #behaviour: SocksBehaviour;
  readonly #sockets = new Set<Socket>();

  private constructor(behaviour: SocksBehaviour) {
    this.#behaviour = behaviour;
    this.#server = createServer({ noDelay: true });
    this.left = new Promise((resolve) => {
      this.#server.on('connection', (socket: Socket) => {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        this.#serve(socket).catch(() => socket.destroy());
      });
    });
  }

  static async start(behaviour: SocksBehaviour = {}): Promise<SocksServer> {
    const proxy = new SocksServer(behaviour);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('No port');
    return address.port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(socket: Socket): Promise<void> {
    const { user, greeting, isSilent, reply = 0, boundAddress = [1, 0, 0, 0, 0], hurriedServer } = this.#behaviour;
    const { method = user === undefined ? 0 : 2 } = this.#behaviour;
    const bytes = bytesOf(socket);
    const take = async (count: number) => {
      const taken: number[] = [];
      while (taken.length < count) {
        const { value, done } = await bytes.next();
        if (done) throw new Error('The client has left');
        taken.push(value);
      }
      return taken;
    };
    if (isSilent) {
      await take(Number.POSITIVE_INFINITY);
      return;
    }
    if (greeting !== undefined) await this.#say(socket, Buffer.from(greeting));

    const [, count] = await take(2);
    await take(count);
    await this.#say(socket, [5, method]);
    if (method === 2) {
      const [, length] = await take(2);
      const username = Buffer.from(await take(length)).toString();
      const password = Buffer.from(await take((await take(1))[0])).toString();
      const isKnown = username === user?.username && password === user.password;
      await this.#say(socket, [1, isKnown ? 0 : 1]);
    }
    const [, , , type] = await take(4);
    this.asked.push(shown(type, await take(type === 1 ? 4 : type === 4 ? 16 : (await take(1))[0])));
    const [high, low] = await take(2);
    if (reply !== 0) {
      await this.#say(socket, [5, reply, 0, ...boundAddress, 0, 0]);
      return;
    }
    const server = connect(high * 256 + low, '127.0.0.1');
    this.#sockets.add(server);
    server.on('error', () => socket.destroy());
    await this.#say(socket, [5, 0, 0, ...boundAddress, 0, 0, ...(hurriedServer ?? [])]);
    server.pipe(socket);
    socket.on('close', () => server.destroy());
    for await (const byte of bytes) server.write(Uint8Array.of(byte));
    server.end();
  }

  async #say(socket: Socket, what: readonly number[] | Uint8Array): Promise<void> {
    const { dribbles, leavesAfter = Number.POSITIVE_INFINITY } = this.#behaviour;
    const left = leavesAfter - socket.bytesWritten;
    const bytes = Uint8Array.from(what).subarray(0, Math.max(left, 0));
    const chunks = dribbles ? Array.from(bytes, (byte) => Uint8Array.of(byte)) : [bytes];
    for (const chunk of chunks) {
      await new Promise((resolve) => socket.write(chunk, resolve));
      // The other side gets its turn, and finds this chunk alone.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (bytes.length < what.length) socket.end();
  }
}

async function* bytesOf(socket: Socket): AsyncGenerator<number, void> {
  for await (const chunk of socket) yield* chunk as Buffer;
}

function shown(type: number, address: readonly number[]): string {
  if (type === 3) return Buffer.from(address).toString();
  return type === 1 ? address.join('.') : Buffer.from(address).toString('hex');
}
