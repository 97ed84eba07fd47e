import { decodeProperties, decodeUtf8, PacketType, type Properties, ProtocolError, Reader } from '@cauldron/codec';

/** The file is not a mosquitto.db that can be read, or it is damaged. `message` says where and what. */
export class MosquittoDbError extends Error {
  override readonly name = 'MosquittoDbError';
  /** Of the byte in the file where the fault was noticed. */
  readonly offset: number;

  constructor(offset: number, what: string, options?: ErrorOptions) {
    super(`mosquitto.db, byte ${offset}: ${what}`, options);
    this.offset = offset;
  }
}

/** A moment beyond this, in seconds since 1970 (the year 36,812), is no time but damage. */
const LATEST_S = 2 ** 40;

/**
 * Reads the file part by part, each field by field, in place. Numbers of up to 32 bits are big-endian in the file; those of 64
 * bits are as the machine that wrote it has them. Every read throws MosquittoDbError past the end of the part.
 */
export class Fields {
  /** Offset of the next byte. */
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #end = 0;
  #part = '';

  /** The part that is read is empty until `open`. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** From now on reads `[at, end)`. `part`: what that is, for errors: 'a client chunk'. */
  open(at: number, end: number, part: string): void {
    this.at = at;
    this.#end = end;
    this.#part = part;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#end - this.at;
  }

  uint8(field: string): number {
    return this.#view.getUint8(this.#take(1, field));
  }

  uint16(field: string): number {
    return this.#view.getUint16(this.#take(2, field));
  }

  uint32(field: string): number {
    return this.#view.getUint32(this.#take(4, field));
  }

  /** The number by which chunks name a message. Machines of either byte order write it so that it reads as the same. */
  id(field: string): bigint {
    return this.#view.getBigUint64(this.#take(8, field), true);
  }

  /** A moment in seconds since 1970; 0: none. */
  timeS(field: string): number {
    const at = this.#take(8, field);
    // A big-endian machine's time has its upper half, which is zero until the year 2106, where others have the lower one.
    const isLittleEndian = this.#view.getUint32(at, true) !== 0;
    const timeS = Number(this.#view.getBigInt64(at, isLittleEndian));
    if (timeS < 0 || timeS > LATEST_S) throw this.fault(`${field} is ${timeS} seconds after 1970`, at);
    return timeS;
  }

  text(length: number, field: string): string {
    const at = this.#take(length, field);
    try {
      return decodeUtf8(this.#bytes, at, this.at, field);
    } catch (error) {
      throw this.#wrapped(error, at);
    }
  }

  /** A view into the file, not a copy. */
  binary(length: number, field: string): Uint8Array {
    const at = this.#take(length, field);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, length);
  }

  skip(length: number, field: string): void {
    this.#take(length, field);
  }

  /** The properties of a PUBLISH, as they stand in one; null if there are none, or nothing is left at all. */
  properties(): Properties | null {
    if (this.left === 0) return null;
    const reader = new Reader(this.#bytes, this.at, this.#end, 'the properties');
    try {
      const properties = decodeProperties(reader, PacketType.PUBLISH);
      this.at = reader.at;
      return properties ?? null;
    } catch (error) {
      throw this.#wrapped(error, reader.at);
    }
  }

  expectEnd(): void {
    if (this.left > 0) throw this.fault(`${this.left} bytes follow after its last field`);
  }

  /** The error for something that is wrong here, or at `at`. */
  fault(what: string, at = this.at): MosquittoDbError {
    return new MosquittoDbError(at, `${this.#part}: ${what}`);
  }

  /** Runs a check of the codec's on the field that was read last; what it finds wrong becomes a fault of the file. */
  check(run: () => void): void {
    try {
      run();
    } catch (error) {
      throw this.#wrapped(error, this.at);
    }
  }

  #take(length: number, field: string): number {
    const { at } = this;
    if (length > this.left) {
      throw this.fault(`${field} takes ${length} bytes, but only ${this.left} are left`);
    }
    this.at = at + length;
    return at;
  }

  #wrapped(error: unknown, at: number): unknown {
    if (!(error instanceof ProtocolError)) return error;
    return new MosquittoDbError(at, `${this.#part}: ${error.message}`, { cause: error });
  }
}
