import type { QoS } from '@cauldron/codec';
import type { Message } from './message.js';
import type { Position, QueuedMessage } from './ports/store.js';

/** A message that a session has to get: waiting in its queue, or in flight. */
export class Delivery implements QueuedMessage {
  readonly message: Message;
  readonly clientId: string;
  /** The lower of publish and subscription. */
  readonly qos: QoS;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | null;
  /** Where the store has it; 0 when only memory does. */
  readonly position: Position;
  /** The shared subscription whose message it is: if this session ends, another member gets it. */
  readonly sharedFilter: string | null;

  constructor(
    message: Message,
    clientId: string,
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[] | null,
    position: Position,
    sharedFilter: string | null,
  ) {
    this.message = message;
    this.clientId = clientId;
    this.qos = qos;
    this.retain = retain;
    this.identifiers = identifiers;
    this.position = position;
    this.sharedFilter = sharedFilter;
  }

  /** As the store gave it back. */
  static from(queued: QueuedMessage): Delivery {
    const { message, clientId, qos, retain, identifiers, position, sharedFilter } = queued;
    return new Delivery(message, clientId, qos, retain, identifiers, position, sharedFilter);
  }

  /** What it counts against the bound of its queue. */
  get bytes(): number {
    return this.message.bytes;
  }
}
