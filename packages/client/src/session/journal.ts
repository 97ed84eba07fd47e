import type { Clock } from '../clock.js';
import { isClean } from '../connection/connection-settings.js';
import { OutboxFailed } from '../errors.js';
import type { ConnectOptions } from '../options.js';
import type { Outbox, OutboxRecord } from '../outbox.js';
import { replay } from './outbox-replay.js';
import type { OutgoingMessage } from './outgoing-message.js';
import type { Session } from './session.js';

/** What promises nothing to the server is made durable after this time, if nothing else comes before. */
const LAZY_COMMIT_MS = 100;

/**
 * Opens the outbox: the session takes up what earlier processes left.
 * @returns the journal that goes on in it
 */
export async function openJournal(
  outbox: Outbox,
  session: Session,
  options: ConnectOptions,
  clock: Clock,
): Promise<Journal> {
  const { clientId = '' } = options;
  const replayed = replay(await outbox.open());
  const journal = new Journal(outbox, clock, replayed.lastPosition);
  // They come after those of the records.
  const waiting = session.takeQueue();
  session.clientId = replayed.clientId;
  for (const message of replayed.inflight) {
    const { packetId = 0 } = message.packet;
    session.packetIds.reserve(packetId);
    session.inflight.set(packetId, message);
  }
  for (const packetId of replayed.received) session.received.add(packetId);
  for (const message of replayed.waiting) session.enqueue(message);
  session.journal = journal;
  for (const message of waiting) session.publish(message, clock.epochMs());
  // The ids are those of a session that is begun anew, or of another client's.
  if (isClean(options) || session.clientId !== clientId) session.restart();
  session.identify(clientId);
  return journal;
}

/** Writes down in the outbox what happens in a session, and knows how much of it is durable. */
export class Journal {
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  #lastPosition: number;
  /** Records, counted since the opening. */
  #appended = 0;
  #durable = 0;
  /** Up to the last one that must be durable before anything is sent. */
  #promised = 0;
  /** The last commit, if it is under way. */
  #commitment: { readonly upTo: number; readonly promise: Promise<void> } | null = null;
  #cancelLazy: (() => void) | null = null;

  /** @param lastPosition of the messages in the outbox */
  constructor(outbox: Outbox, clock: Clock, lastPosition: number) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#lastPosition = lastPosition;
  }

  /** A message with QoS 1 or 2 waits for its turn. @param nowMs since 1970 */
  queued(message: OutgoingMessage, nowMs: number): void {
    message.position = ++this.#lastPosition;
    const packet = { ...message.packet };
    if (packet.properties?.topicAlias !== undefined) {
      packet.properties = { ...packet.properties };
      delete packet.properties.topicAlias;
    }
    this.append({ kind: 'queued', position: message.position, packet, queuedAtMs: nowMs });
  }

  /** What is sent from now on waits until this record is durable. */
  append(record: OutboxRecord): void {
    this.#outbox.append(record);
    this.#promised = ++this.#appended;
  }

  /** A record that may be lost with the process: without it only something is done once more that changes nothing. */
  appendLazily(record: OutboxRecord): void {
    this.#outbox.append(record);
    this.#appended++;
    this.#cancelLazy ??= this.#clock.after(LAZY_COMMIT_MS, () => {
      this.#cancelLazy = null;
      // What failed is tried again with the next commit, and told to whoever waits for that.
      if (this.#durable < this.#appended) this.#commit().catch(() => {});
    });
  }

  /**
   * When what was appended before may be acted upon. Null: at once.
   * @throws (rejects) OutboxFailed
   */
  durable(): Promise<void> | null {
    if (this.#promised <= this.#durable) return null;
    const { upTo = 0, promise = null } = this.#commitment ?? {};
    return upTo >= this.#promised ? promise : this.#commit();
  }

  /** @throws (rejects) OutboxFailed */
  async close(): Promise<void> {
    this.#cancelLazy?.();
    try {
      await this.#outbox.close();
    } catch (cause) {
      throw failure(cause);
    }
  }

  #commit(): Promise<void> {
    const commitment = { upTo: this.#appended, promise: this.#write(this.#appended) };
    this.#commitment = commitment;
    const settled = (): void => {
      if (this.#commitment === commitment) this.#commitment = null;
    };
    commitment.promise.then(settled, settled);
    return commitment.promise;
  }

  async #write(upTo: number): Promise<void> {
    try {
      await this.#outbox.commit();
    } catch (cause) {
      throw failure(cause);
    }
    this.#durable = Math.max(this.#durable, upTo);
  }
}

function failure(cause: unknown): OutboxFailed {
  return new OutboxFailed(`The outbox cannot be written: ${cause instanceof Error ? cause.message : cause}`, { cause });
}
