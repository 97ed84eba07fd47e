import type { OutboxRecord } from '../outbox.js';

interface LiveMessage<Place> {
  /** Where its `queued` is. */
  readonly queued: Place;
  packetId: number;
  sent: Place | null;
  released: Place | null;
}

/**
 * Knows which of the records of an outbox still say something: replaying these alone, in the order of appending, gives the
 * same state as replaying all. `Place` is where a record is kept, whatever that is for who keeps it.
 */
export class LiveRecords<Place> {
  #session: Place | null = null;
  readonly #messages = new Map<number, LiveMessage<Place>>();
  /** By packet id: the position of the message that was sent under it last. */
  readonly #positions = new Map<number, number>();
  readonly #received = new Map<number, Place>();

  /**
   * Takes the next record, which is at `place`.
   * @returns the places that nobody needs from now on: of earlier records, and of this one, if it says nothing but that
   * others are over
   */
  add(record: OutboxRecord, place: Place): readonly Place[] {
    switch (record.kind) {
      case 'session': {
        const before = this.#session;
        this.#session = place;
        return before === null ? [] : [before];
      }
      case 'queued': {
        const dead = this.#end(record.position);
        this.#messages.set(record.position, { queued: place, packetId: 0, sent: null, released: null });
        return dead;
      }
      case 'sent':
        return this.#sent(record.position, record.packetId, place);
      case 'released':
        return this.#released(record.packetId, place);
      case 'done':
        return [...this.#end(record.position), place];
      case 'received': {
        const before = this.#received.get(record.packetId);
        this.#received.set(record.packetId, place);
        return before === undefined ? [] : [before];
      }
      case 'forgotten': {
        const before = this.#received.get(record.packetId);
        this.#received.delete(record.packetId);
        return before === undefined ? [place] : [before, place];
      }
      case 'restarted':
        return [...this.#restart(), place];
      case 'cleared':
        return [...this.#clear(), place];
    }
  }

  /** Where the records are that live, in no particular order. */
  *places(): Iterable<Place> {
    if (this.#session !== null) yield this.#session;
    for (const message of this.#messages.values()) yield* placesOf(message);
    yield* this.#received.values();
  }

  #sent(position: number, packetId: number, place: Place): readonly Place[] {
    const message = this.#messages.get(position);
    if (message === undefined) return [place];
    const dead = withoutNull([message.sent, message.released]);
    if (message.packetId !== 0) this.#positions.delete(message.packetId);
    message.packetId = packetId;
    message.sent = place;
    message.released = null;
    this.#positions.set(packetId, position);
    return dead;
  }

  #released(packetId: number, place: Place): readonly Place[] {
    const message = this.#messages.get(this.#positions.get(packetId) ?? -1);
    if (message === undefined) return [place];
    const dead = withoutNull([message.released]);
    message.released = place;
    return dead;
  }

  #end(position: number): readonly Place[] {
    const message = this.#messages.get(position);
    if (message === undefined) return [];
    this.#messages.delete(position);
    if (this.#positions.get(message.packetId) === position) this.#positions.delete(message.packetId);
    return placesOf(message);
  }

  /** Messages that the server has taken over are done, the others are as if they had not been sent. */
  #restart(): readonly Place[] {
    const dead = [...this.#received.values()];
    for (const [position, message] of this.#messages) {
      if (message.released !== null) {
        dead.push(...this.#end(position));
      } else if (message.sent !== null) {
        dead.push(message.sent);
        message.sent = null;
        message.packetId = 0;
      }
    }
    this.#positions.clear();
    this.#received.clear();
    return dead;
  }

  /** The client id is still the one that the server knows. */
  #clear(): readonly Place[] {
    const dead = [...this.#received.values()];
    for (const message of this.#messages.values()) dead.push(...placesOf(message));
    this.#messages.clear();
    this.#positions.clear();
    this.#received.clear();
    return dead;
  }
}

function placesOf<Place>({ queued, sent, released }: LiveMessage<Place>): readonly Place[] {
  return withoutNull([queued, sent, released]);
}

function withoutNull<T>(values: readonly (T | null)[]): T[] {
  return values.filter((value) => value !== null);
}
