import type { ProtocolVersion, QoS, RetainHandling } from '@cauldron/codec';
import type { Message } from '../message.js';

/** A number that grows with every append. What is done up to a ticket is durable once `committed` has reached it. */
export type Ticket = number;

/**
 * Where a message lies in its shard's order; grows. One that an entry has used is never given out again, not even after
 * its message is gone and the process has started anew. 0: not stored.
 */
export type Position = number;

/** Lasting sessions live in one of this many shards, by their client id. Fixed for ever: keys on disk begin with it. */
export const SHARDS = 32;

export interface WillRecord {
  readonly message: Message;
  readonly delayS: number;
}

/** What is known of a lasting session apart from its lists. */
export interface SessionRecord {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly address: string;
  readonly protocolVersion: ProtocolVersion;
  readonly expiryIntervalS: number;
  /** Wall clock, ms: when its last connection ended; `null` while it is connected. */
  readonly disconnectedAtMs: number | null;
  /** The will that is still to be sent if the client does not return, or if the process ends. */
  readonly will: WillRecord | null;
}

export interface SubscriptionRecord {
  /** The whole filter, `$share/...` and the mount point of the client's listener included. */
  readonly filter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: RetainHandling;
  /** 0: none. */
  readonly identifier: number;
}

/** One session's part in a stored message. */
export interface QueuedFor {
  readonly clientId: string;
  readonly qos: QoS;
  readonly retain: boolean;
  /** The identifiers of the subscriptions that it matched; null for none. */
  readonly identifiers: readonly number[] | null;
  /** The shared subscription (`$share/...`) through which it came; null for none. */
  readonly sharedFilter: string | null;
}

export interface QueuedMessage extends QueuedFor {
  readonly position: Position;
  readonly message: Message;
}

/** What an outbound packet id waits for. */
export type InflightState = 1 | 2 | 3;

export interface InflightRecord {
  readonly packetId: number;
  /** 1: PUBACK, 2: PUBREC, 3: PUBCOMP. */
  readonly state: InflightState;
  /** Null in state 3: the client has the message. */
  readonly delivery: QueuedMessage | null;
}

export interface StoredSession {
  readonly record: SessionRecord;
  readonly subscriptions: readonly SubscriptionRecord[];
  /** In the order in which they were first sent. */
  readonly inflight: readonly InflightRecord[];
  /** Ids of inbound QoS 2 messages that await their PUBREL. */
  readonly inbound: readonly number[];
  /** Messages that wait and have no packet id yet. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
}

/**
 * A durable change. Durable state changes only by entries: applying the same entries in the same order gives the same
 * state anywhere, so an entry carries every time and position and its effect reads no clock.
 *
 * An entry that names a session, filter, packet id, position or topic that the store does not have is ignored, as far as
 * it does so: an acknowledgement may follow the end of its session, and the end of a message that was never written.
 */
export type Entry =
  /** A session began, resumed, or ended its connection: its record is replaced, its lists stay. */
  | { readonly kind: 'session'; readonly record: SessionRecord }
  /** It is over, with all that belongs to it. */
  | { readonly kind: 'sessionRemoved'; readonly clientId: string }
  /** Replaces the session's subscription with the same filter, if there is one. */
  | { readonly kind: 'subscribed'; readonly clientId: string; readonly subscription: SubscriptionRecord }
  | { readonly kind: 'unsubscribed'; readonly clientId: string; readonly filter: string }
  /**
   * A message waits for these sessions of one shard. It is stored once, until the last of them is done with it. An entry
   * that was held back may come after those of later positions: the session's queue has it in its place all the same.
   * The same position may come again for further sessions, with the same message. A session has it once: where it waits
   * already, nothing changes.
   */
  | {
      readonly kind: 'queued';
      readonly shard: number;
      readonly position: Position;
      readonly message: Message;
      readonly sessions: readonly QueuedFor[];
    }
  /**
   * A queued message got its packet id. It leaves the queue and is last in flight, in state 1 or 2 by its QoS. If the id
   * was in flight, what it stood for is done.
   */
  | { readonly kind: 'sent'; readonly clientId: string; readonly position: Position; readonly packetId: number }
  /** PUBREC came: the message is the client's, the id waits for PUBCOMP. It keeps its place in the order. */
  | { readonly kind: 'received'; readonly clientId: string; readonly packetId: number }
  /** PUBACK or PUBCOMP came, or an error instead: the id is free and the message done. */
  | { readonly kind: 'completed'; readonly clientId: string; readonly packetId: number }
  /** A message that waited without an id is gone: expired, discarded, too large, or sent with QoS 0. */
  | { readonly kind: 'dropped'; readonly clientId: string; readonly position: Position }
  /** An inbound QoS 2 message was taken over with this id. */
  | { readonly kind: 'inboundHeld'; readonly clientId: string; readonly packetId: number }
  /** Its PUBREL came. */
  | { readonly kind: 'inboundReleased'; readonly clientId: string; readonly packetId: number }
  /** Replaces the topic's retained message, if there is one. */
  | { readonly kind: 'retained'; readonly message: Message }
  | { readonly kind: 'retainedCleared'; readonly topic: string };

/**
 * What survives the process. Entries appended in one turn of the event loop become durable together or not at all.
 * Reads answer at once and see every entry appended before them, durable or not.
 */
export interface Store {
  /** The ticket of the last append; 0 before the first. */
  readonly appended: Ticket;
  /**
   * All entries up to this ticket are durable, or need not be. A store may let these follow later, or never write them:
   * - `completed` and `dropped`, and `sent` with QoS 1: after a crash the message is sent once more, or waits once more;
   * - a message of which all receivers are done, with all that was said of it.
   * What survives is always the state after some turn of the event loop. Equals `appended` when nothing is under way.
   */
  readonly committed: Ticket;
  /**
   * Called once per commit, never from within `append`; may append. Set by the broker before its first append. A store
   * that has nothing to wait for commits within `append` and never calls it, so look at `committed` before waiting.
   */
  onCommit: (committed: Ticket) => void;
  /**
   * Why nothing new can be stored now (the disk is full, the bound is reached), in words for a person; null when all is
   * well. What is appended all the same waits for room: it is not lost, and not committed. Entries that free room are
   * always welcome.
   */
  readonly fault: string | null;
  /**
   * Called when a fault has begun, and when it is over, never from within `append`; its words may change meanwhile. Set by
   * the broker before its first append.
   */
  onFault: (fault: string | null) => void;
  /** Messages that sessions wait for or have in flight, each once per shard. Retained messages do not count. */
  readonly storedMessages: number;
  /** The next free position of a shard; each call gives another. */
  nextPosition(shard: number): Position;
  /**
   * Applies the entry. It belongs to the store from then on: nothing in it may change, and its messages, wills included,
   * must have been kept. Returns `appended`.
   */
  append(entry: Entry): Ticket;
  /**
   * All lasting sessions, without their queues, in any order. For the start. Entries may be appended during the walk;
   * one that ends the session just shown does not disturb it.
   */
  sessions(): Iterable<StoredSession>;
  /** All retained messages, in any order; entries may be appended during the walk. */
  retained(): Iterable<Message>;
  /** Messages that wait for a session beyond `after`, in order of position, at most `limit`. None for one unknown. */
  queue(clientId: string, after: Position, limit: number): QueuedMessage[];
  /**
   * Brings all that was appended to where it is in its final form, as an administrator may ask for. Nothing has to be
   * saved for `committed` to go on. Resolves with why that cannot be done, in words for a person; null: it is done.
   */
  save(): Promise<string | null>;
  /** Commits what was appended and lets go of all resources. */
  close(): Promise<void>;
}
