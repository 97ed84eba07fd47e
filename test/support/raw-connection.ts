import { connect, type Socket } from 'node:net';

/** A network connection to a broker, byte by byte. */
export class RawConnection {
  readonly socket: Socket;
  /** Resolved with all that came, when the broker has ended the connection, in whatever way. */
  readonly ended: Promise<Buffer>;
  readonly #chunks: Buffer[] = [];
  #wake: () => void = () => {};
  #isOver = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (bytes: Buffer) => {
      this.#chunks.push(bytes);
      this.#wake();
    });
    this.socket.on('error', () => {}); // a reset ends the connection, too
    this.ended = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isOver = true;
        this.#wake();
        resolve(Buffer.concat(this.#chunks));
      });
    });
  }

  /** `hex` may have spaces. */
  send(hex: string): void {
    this.socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  }

  /** Waits for as many bytes since the beginning; all that have come then. @throws (rejects) Error if they do not come */
  async received(length: number): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.#chunks);
      if (all.length >= length) return all;
      if (this.#isOver) throw new Error(`The connection ended after ${all.length} of ${length} bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
