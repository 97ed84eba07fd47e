import type { OutboxRecord } from '../outbox.js';
import { OutgoingMessage, Progress } from './outgoing-message.js';

/** The state that the records of a session lead to. */
export interface ReplayedSession {
  /** Empty when no server has accepted yet. */
  readonly clientId: string;
  /** Those that have a packet id, in the order in which they were sent, or released. */
  readonly inflight: readonly OutgoingMessage[];
  /** Those that have none, in the order of their positions. */
  readonly waiting: readonly OutgoingMessage[];
  readonly received: ReadonlySet<number>;
  readonly lastPosition: number;
}

/** Does again what the records say. Those that do not fit together, which no session writes, are passed over. */
export function replay(records: readonly OutboxRecord[]): ReplayedSession {
  const messages = new Map<number, OutgoingMessage>();
  const inflight = new Map<number, OutgoingMessage>();
  const received = new Set<number>();
  let clientId = '';
  let lastPosition = 0;
  for (const record of records) {
    switch (record.kind) {
      case 'session':
        clientId = record.clientId;
        break;
      case 'queued': {
        const message = new OutgoingMessage({ ...record.packet }, record.queuedAtMs);
        // Who published it is not there any more to hear of it.
        message.promise.catch(() => {});
        message.position = record.position;
        lastPosition = Math.max(lastPosition, record.position);
        messages.set(record.position, message);
        break;
      }
      case 'sent': {
        const message = messages.get(record.position);
        if (message === undefined) break;
        message.packet.packetId = record.packetId;
        message.progress = Progress.SENT;
        inflight.set(record.packetId, message);
        break;
      }
      case 'released': {
        const message = inflight.get(record.packetId);
        if (message === undefined) break;
        message.progress = Progress.RELEASED;
        inflight.delete(record.packetId);
        inflight.set(record.packetId, message);
        break;
      }
      case 'done': {
        const packetId = messages.get(record.position)?.packet.packetId;
        messages.delete(record.position);
        if (packetId !== undefined && inflight.get(packetId)?.position === record.position) inflight.delete(packetId);
        break;
      }
      case 'received':
        received.add(record.packetId);
        break;
      case 'forgotten':
        received.delete(record.packetId);
        break;
      case 'restarted':
        for (const message of inflight.values()) {
          if (message.progress === Progress.RELEASED) messages.delete(message.position);
          message.progress = Progress.QUEUED;
          delete message.packet.packetId;
        }
        inflight.clear();
        received.clear();
        break;
      case 'cleared':
        messages.clear();
        inflight.clear();
        received.clear();
        break;
    }
  }
  const waiting = [...messages.values()].filter(({ progress }) => progress === Progress.QUEUED);
  waiting.sort((a, b) => a.position - b.position);
  return { clientId, inflight: [...inflight.values()], waiting, received, lastPosition };
}
