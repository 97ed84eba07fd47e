import type { Publish } from '@cauldron/codec';

/**
 * One step in the life of a session. All of them, replayed in order in a new session, give the same state: what waits,
 * what is on its way under which packet id, and which QoS 2 messages have been received.
 */
export type OutboxRecord =
  /** The id that the server knows the session by. */
  | { kind: 'session'; clientId: string }
  /** A message was published. Positions grow; the packet has no packet id yet. `queuedAtMs`: as `Date.now()`. */
  | { kind: 'queued'; position: number; packet: Publish; queuedAtMs: number }
  /** It is about to be sent under this id for the first time. */
  | { kind: 'sent'; position: number; packetId: number }
  /** Its PUBREC has come: the server has it. */
  | { kind: 'released'; packetId: number }
  /** Its handshake is over, or it was refused or given up. */
  | { kind: 'done'; position: number }
  /** A QoS 2 message came in and was delivered. */
  | { kind: 'received'; packetId: number }
  /** Its PUBREL has come. */
  | { kind: 'forgotten'; packetId: number }
  /** The server had no session: all packet ids are void; what it had not taken over waits again. */
  | { kind: 'restarted' }
  /** All messages and ids are void. */
  | { kind: 'cleared' };

/**
 * What must survive the process. Records are appended in order; `commit` resolves when all appended so far are durable.
 * One session uses it at a time.
 */
export interface Outbox {
  /** What earlier processes left, in the order of appending. Called once, before anything else. */
  open(): Promise<readonly OutboxRecord[]>;
  /** Takes the record over as it is now: what is changed in its packet later has no effect. Cheap, in memory. */
  append(record: OutboxRecord): void;
  /**
   * Durable: it survives the process and the loss of power. Concurrent calls share one write.
   * @throws (rejects) what went wrong; what was not written still waits, and the next commit tries again
   */
  commit(): Promise<void>;
  /** Commits what waits, and lets others open it. */
  close(): Promise<void>;
}
