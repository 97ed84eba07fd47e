import { PacketType, type Properties, propertiesSize, writeProperties } from '@cauldron/codec';

/** What a file begins with. */
const MAGIC = '\0\u00b5\0mosquitto db';

/** Writes a mosquitto.db as Mosquitto would, or wrongly where a test asks for that. */
export class MosquittoDbWriter {
  readonly #version: number;
  /** Of the 64-bit numbers. */
  readonly #isLittleEndian: boolean;
  readonly #parts: Buffer[];

  constructor(version = 6, isLittleEndian = true) {
    this.#version = version;
    this.#isLittleEndian = isLittleEndian;
    this.#parts = [Buffer.from(MAGIC, 'latin1'), uint32(0), uint32(version)];
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  chunk(kind: number, ...fields: readonly Uint8Array[]): this {
    const body = Buffer.concat(fields);
    this.#parts.push(uint32(kind), uint32(body.length), body);
    return this;
  }

  configuration({ idBytes = 8, paddingBytes = 6 } = {}): this {
    return this.chunk(1, this.uint64(99), uint8(1), uint8(idBytes), Buffer.alloc(paddingBytes));
  }

  client(
    clientId: string,
    options: {
      readonly expiryIntervalS?: number;
      readonly expiresAtS?: number;
      readonly username?: string | Uint8Array;
      readonly paddingBytes?: number;
    } = {},
  ): this {
    const { expiryIntervalS = 0xffffffff, expiresAtS = 0, username = '', paddingBytes = 4 } = options;
    const name = Buffer.from(username);
    const id = Buffer.from(clientId);
    const start = [this.uint64(expiresAtS), uint32(expiryIntervalS), uint16(1), uint16(id.length)];
    if (this.#version === 5) return this.chunk(6, ...start, id);
    return this.chunk(6, ...start, uint16(1883), uint16(name.length), Buffer.alloc(paddingBytes), id, name);
  }

  subscription(clientId: string, filter: string, qos: number, { options = 0, identifier = 0 } = {}): this {
    const id = Buffer.from(clientId);
    const text = Buffer.from(filter);
    const lengths = [uint16(id.length), uint16(text.length)];
    return this.chunk(5, uint32(identifier), ...lengths, uint8(qos), uint8(options), Buffer.alloc(2), id, text);
  }

  message(
    messageId: number,
    topic: string,
    payload: string | Uint8Array,
    options: {
      readonly qos?: number;
      readonly retain?: boolean;
      readonly publisher?: string;
      readonly username?: string;
      readonly expiresAtS?: number;
      readonly properties?: Properties;
    } = {},
  ): this {
    const { qos = 1, retain = false, publisher = '', username = '', expiresAtS = 0, properties } = options;
    const texts = [publisher, username, topic].map((text) => Buffer.from(text));
    const body = Buffer.from(payload);
    return this.chunk(
      2,
      this.uint64(messageId),
      this.uint64(expiresAtS),
      uint32(body.length),
      uint16(7),
      ...texts.map(({ length }) => uint16(length)),
      uint16(1883),
      uint8(qos),
      uint8(retain ? 1 : 0),
      ...texts,
      body,
      propertyBytes(properties),
    );
  }

  clientMessage(
    clientId: string,
    messageId: number,
    options: {
      readonly state: number;
      readonly packetId?: number;
      readonly qos?: number;
      readonly direction?: number;
      readonly retain?: boolean;
      readonly dup?: boolean;
      readonly properties?: Properties;
    },
  ): this {
    const { state, packetId = 0, qos = 1, direction = 1, retain = false, dup = false, properties } = options;
    const id = Buffer.from(clientId);
    const flags = (retain ? 0x10 : 0) | (dup ? 1 : 0);
    const small = [qos, state, flags, direction].map(uint8);
    const numbers = [this.uint64(messageId), uint16(packetId), uint16(id.length), ...small];
    return this.chunk(3, ...numbers, id, propertyBytes(properties));
  }

  retained(messageId: number): this {
    return this.chunk(4, this.uint64(messageId));
  }

  uint64(value: number): Buffer {
    const bytes = Buffer.alloc(8);
    if (this.#isLittleEndian) bytes.writeBigInt64LE(BigInt(value));
    else bytes.writeBigInt64BE(BigInt(value));
    return bytes;
  }
}

export function uint8(value: number): Buffer {
  return Buffer.of(value);
}

export function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function propertyBytes(properties: Properties | undefined): Uint8Array {
  if (properties === undefined) return new Uint8Array(0);
  const size = propertiesSize(properties, PacketType.PUBLISH);
  const bytes = new Uint8Array(size + 4);
  return bytes.subarray(0, writeProperties(bytes, 0, properties, size));
}
