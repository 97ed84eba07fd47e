import { isValidUtf8, MAX_USER_PROPERTIES } from '@cauldron/codec';

const Id = {
  PAYLOAD_FORMAT_INDICATOR: 0x01,
  CONTENT_TYPE: 0x03,
  RESPONSE_TOPIC: 0x08,
  CORRELATION_DATA: 0x09,
  TOPIC_ALIAS: 0x23,
  USER_PROPERTY: 0x26,
} as const;

const PLUS = 0x2b;
const HASH = 0x23;

/** The bytes of a topic alias: its identifier and its value. */
export const ALIAS_PROPERTY_BYTES = 3;

/**
 * Reads the properties of a PUBLISH where they lie, for those who pass them on as they are: no object is made. Finds what
 * the codec would write in the same bytes, apart from a topic alias, which is not passed on; everything else is for the
 * codec, and what is wrong is, too.
 */
export class PublishProperties {
  /** Where the payload begins. */
  end = 0;
  /** 0: there is none. */
  alias = 0;
  /** Where it stands, with its identifier. */
  aliasAt = 0;

  /** Reads those that begin with their length at `start`, of a frame that ends at `frameEnd`. False: take the codec. */
  read(bytes: Uint8Array, start: number, frameEnd: number): boolean {
    this.alias = 0;
    this.aliasAt = 0;
    if (start >= frameEnd) return false;
    let at = start;
    let length = bytes[at++];
    if (length > 127) {
      if (at >= frameEnd || bytes[at] > 127 || bytes[at] === 0) return false;
      length = (length & 127) | (bytes[at++] << 7);
    }
    const end = at + length;
    if (end > frameEnd) return false;
    this.end = end;
    /** Those that may come once, by bits. */
    let seen = 0;
    let userProperties = 0;
    let last = 0;
    while (at < end) {
      const id = bytes[at++];
      if (id === Id.USER_PROPERTY) {
        // The codec writes them together.
        if (userProperties > 0 && last !== id) return false;
        if (++userProperties > MAX_USER_PROPERTIES) return false;
        at = textEnd(bytes, at, end);
        if (at < 0) return false;
        at = textEnd(bytes, at, end);
      } else if (id === Id.TOPIC_ALIAS) {
        if (this.alias > 0 || at + 2 > end) return false;
        this.aliasAt = at - 1;
        this.alias = (bytes[at] << 8) | bytes[at + 1];
        if (this.alias === 0) return false;
        at += 2;
      } else {
        if (id > 31 || (seen & (1 << id)) !== 0) return false;
        seen |= 1 << id;
        at = valueEnd(id, bytes, at, end);
      }
      if (at < 0) return false;
      last = id;
    }
    return true;
  }
}

/** -1: it is for the codec. */
function valueEnd(id: number, bytes: Uint8Array, at: number, end: number): number {
  switch (id) {
    case Id.PAYLOAD_FORMAT_INDICATOR:
      return at < end && bytes[at] <= 1 ? at + 1 : -1;
    case Id.CONTENT_TYPE:
      return textEnd(bytes, at, end);
    case Id.RESPONSE_TOPIC: {
      const textAt = at + 2;
      const next = textEnd(bytes, at, end);
      if (next === textAt) return -1;
      for (let i = textAt; i < next; i++) if (bytes[i] === PLUS || bytes[i] === HASH) return -1;
      return next;
    }
    case Id.CORRELATION_DATA: {
      const next = at + 2 > end ? end + 1 : at + 2 + ((bytes[at] << 8) | bytes[at + 1]);
      return next > end ? -1 : next;
    }
    default:
      return -1;
  }
}

/** -1: it is cut, or no valid string. */
function textEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 > end) return -1;
  const start = at + 2;
  const next = start + ((bytes[at] << 8) | bytes[at + 1]);
  return next <= end && isValidUtf8(bytes, start, next) ? next : -1;
}
