import { assertTopicName, decodeUtf8 } from '@cauldron/codec';

/** Places in the table; a power of two. It bounds the memory that a server with endless topics can take. */
const PLACES = 1_024;
/** Longer topics are not remembered (bytes). */
const LONGEST = 256;

interface Entry {
  readonly bytes: Uint8Array;
  readonly topic: string;
}

/** Topics that came before: their text, found by their bytes, without decoding and checking them again. */
export class TopicCache {
  readonly #entries: (Entry | undefined)[] = new Array(PLACES);
  /** The one that was asked for last: often the next message has the same topic. */
  #last: Entry = { bytes: new Uint8Array(0), topic: '' };

  /**
   * The topic name in `bytes[start..end)`.
   * @throws ProtocolError for one that is not valid
   */
  topicOf(bytes: Uint8Array, start: number, end: number): string {
    // An empty topic is no topic: it goes on, and is refused.
    if (end > start && isEqual(this.#last.bytes, bytes, start, end)) return this.#last.topic;
    let hash = end - start;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const entry = this.#entries[place];
    if (entry !== undefined && isEqual(entry.bytes, bytes, start, end)) {
      this.#last = entry;
      return entry.topic;
    }
    const topic = decodeUtf8(bytes, start, end, 'PUBLISH: the topic name'); // [MQTT-3.3.2-1]
    assertTopicName(topic); // [MQTT-3.3.2-2]
    if (end - start <= LONGEST) {
      this.#last = { bytes: bytes.slice(start, end), topic };
      this.#entries[place] = this.#last;
    }
    return topic;
  }
}

function isEqual(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false;
  return true;
}
