import type { Message, Position, QueuedFor, QueuedMessage, Store, StoredSession } from '@cauldron/broker';

/** How many messages of each session are held at once. */
const PAGE_MESSAGES = 32;

/** A stored message and the sessions that wait for it or have it in flight. */
export interface SharedMessage {
  readonly position: Position;
  readonly message: Message;
  /** In any order. */
  readonly sessions: readonly QueuedFor[];
}

/** The messages of one session, read page by page: those in flight, then those that wait. */
class Cursor {
  /** The next one; null at the end. */
  next: QueuedMessage | null;
  #page: readonly QueuedMessage[];
  #index = 0;
  readonly #readAfter: ((position: Position) => readonly QueuedMessage[]) | null;

  /** `readAfter` is null where `page` is all there is. */
  constructor(page: readonly QueuedMessage[], readAfter: ((position: Position) => readonly QueuedMessage[]) | null) {
    this.#page = page;
    this.#readAfter = readAfter;
    this.next = page[0] ?? null;
  }

  advance(): void {
    const last = this.next;
    this.#index++;
    if (this.#index === this.#page.length && last !== null && this.#readAfter !== null) {
      this.#page = this.#readAfter(last.position);
      this.#index = 0;
    }
    this.next = this.#page[this.#index] ?? null;
  }
}

/**
 * All messages of sessions that share a shard, in order of position, each once with all who have it. Holds no more than
 * a few of each session, however many wait.
 */
export function* sharedMessages(
  store: Pick<Store, 'queue'>,
  sessions: readonly StoredSession[],
): Generator<SharedMessage> {
  const heap = new CursorHeap();
  for (const { record, inflight, queuedMessages } of sessions) {
    const sent = inflight.flatMap(({ delivery }) => delivery ?? []);
    heap.push(
      new Cursor(
        sent.sort((a, b) => a.position - b.position),
        null,
      ),
    );
    if (queuedMessages === 0) continue;
    const readAfter = (after: Position): QueuedMessage[] => store.queue(record.clientId, after, PAGE_MESSAGES);
    heap.push(new Cursor(readAfter(0), readAfter));
  }
  for (let first = heap.take(); first !== null; ) {
    const { position, message } = first;
    const targets: QueuedFor[] = [];
    while (first !== null && first.position === position) {
      const { clientId, qos, retain, identifiers, sharedFilter } = first;
      targets.push({ clientId, qos, retain, identifiers, sharedFilter });
      first = heap.take();
    }
    yield { position, message, sessions: targets };
  }
}

/** Cursors, the one with the lowest position on top; those that have come to their end sink to the bottom. */
class CursorHeap {
  readonly #cursors: Cursor[] = [];

  push(cursor: Cursor): void {
    const cursors = this.#cursors;
    let at = cursors.push(cursor) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (positionOf(cursors[parent]) <= positionOf(cursor)) break;
      cursors[at] = cursors[parent];
      at = parent;
    }
    cursors[at] = cursor;
  }

  /** The message with the lowest position; null when there is none. */
  take(): QueuedMessage | null {
    const top = this.#cursors.at(0);
    if (top === undefined || top.next === null) return null;
    const taken = top.next;
    top.advance();
    this.#sink(top);
    return taken;
  }

  /** Finds the place of the cursor on top, whose position has grown. */
  #sink(cursor: Cursor): void {
    const cursors = this.#cursors;
    let at = 0;
    for (let child = 1; child < cursors.length; child = 2 * at + 1) {
      if (child + 1 < cursors.length && positionOf(cursors[child + 1]) < positionOf(cursors[child])) child++;
      if (positionOf(cursors[child]) >= positionOf(cursor)) break;
      cursors[at] = cursors[child];
      at = child;
    }
    cursors[at] = cursor;
  }
}

function positionOf({ next }: Cursor): Position {
  return next === null ? Number.POSITIVE_INFINITY : next.position;
}
