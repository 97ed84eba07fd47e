/** The bytes break a rule that every packet has to keep, whatever is being tested. */
export class MalformedPacketError extends Error {
  override readonly name = 'MalformedPacketError';
}

/** Reads the fields of one body in order, and knows when it is at its end. */
export class PacketBody {
  #at = 0;
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.#at;
  }

  take(length: number, what: string): Buffer {
    if (length > this.left) throw new MalformedPacketError(`${what} goes beyond the end of its packet`);
    this.#at += length;
    return this.bytes.subarray(this.#at - length, this.#at);
  }

  byte(what: string): number {
    return this.take(1, what)[0];
  }

  two(what: string): number {
    return this.take(2, what).readUInt16BE();
  }

  four(what: string): number {
    return this.take(4, what).readUInt32BE();
  }

  binary(what: string): Buffer {
    return this.take(this.two(what), what);
  }

  /** Strict: ill-formed UTF-8 and U+0000 are refused. A leading U+FEFF is part of the string. */
  string(what: string): string {
    return textOf(this.binary(what), what);
  }

  varint(what: string): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const next = this.byte(what);
      value += (next & 0x7f) * shift;
      if ((next & 0x80) === 0) {
        if (next === 0 && shift > 1) throw new MalformedPacketError(`${what} takes more bytes than it needs`);
        return value;
      }
      if (shift === 128 ** 3) throw new MalformedPacketError(`${what} is longer than four bytes`);
    }
  }

  end(what: string): void {
    if (this.left > 0) throw new MalformedPacketError(`${what} has ${this.left} bytes too many`);
  }
}

function textOf(bytes: Buffer, what: string): string {
  let value: string;
  try {
    value = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new MalformedPacketError(`${what} is not well-formed UTF-8`);
  }
  if (value.includes('\u0000')) throw new MalformedPacketError(`${what} contains U+0000`);
  return value;
}
