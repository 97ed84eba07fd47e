import type { Message, StoredSession } from '@cauldron/broker';
import { isValidTopicFilter, isValidTopicName } from '@cauldron/codec';
import type { ReadableStore } from './export.js';

/** How many messages of a queue are read at once. */
const PAGE_MESSAGES = 256;

const MAX_PACKET_ID = 65_535;

/** What has been looked at so far. */
export interface Examined {
  sessions: number;
  messages: number;
  retained: number;
}

/**
 * What is wrong in a store, in words for a person: whatever does not belong together, or cannot be read. Reads all of it;
 * `examined` counts along, and `onProgress` is called after each session, page of a queue and retained message.
 */
export function* problemsOf(store: ReadableStore, examined: Examined, onProgress: () => void): Generator<string> {
  const seen = new Set<string>();
  try {
    for (const session of store.sessions()) {
      examined.sessions++;
      const { clientId } = session.record;
      if (seen.has(clientId)) yield `There are two sessions of client '${clientId}'.`;
      seen.add(clientId);
      for (const problem of sessionProblems(store, session, examined, onProgress))
        yield `Session of client '${clientId}': ${problem}.`;
    }
  } catch (error) {
    yield `Sessions cannot be read: ${messageOf(error)}.`;
  }
  seen.clear();
  try {
    for (const message of store.retained()) {
      examined.retained++;
      onProgress();
      const { topic } = message;
      if (seen.has(topic)) yield `There are two retained messages of topic '${topic}'.`;
      seen.add(topic);
      if (!isValidTopicName(topic)) yield `A retained message has the topic '${topic}', which is none.`;
    }
  } catch (error) {
    yield `Retained messages cannot be read: ${messageOf(error)}.`;
  }
}

function* sessionProblems(
  store: ReadableStore,
  session: StoredSession,
  examined: Examined,
  onProgress: () => void,
): Generator<string> {
  const { record, subscriptions, inflight, inbound } = session;
  if (record.clientId === '') yield 'its client id is empty';
  yield* repeated(subscriptions, 'subscriptions to', ({ filter }) => filter);
  for (const { filter } of subscriptions)
    if (!isValidTopicFilter(filter)) yield `it has subscribed to '${filter}', which is no filter`;
  yield* repeated(inflight, 'messages in flight with the packet id', ({ packetId }) => packetId);
  for (const { packetId, state, delivery } of inflight) {
    if (!isPacketId(packetId)) yield `a message is in flight with the packet id ${packetId}`;
    if (state !== 3 && delivery === null) yield `the message in flight with the packet id ${packetId} is missing`;
    if (delivery !== null) yield* messageProblems(delivery.message);
  }
  yield* repeated(inbound, 'inbound messages with the packet id', (packetId) => packetId);
  for (const packetId of inbound) if (!isPacketId(packetId)) yield `a message came with the packet id ${packetId}`;
  yield* queueProblems(store, session, examined, onProgress);
}

function* queueProblems(
  store: ReadableStore,
  session: StoredSession,
  examined: Examined,
  onProgress: () => void,
): Generator<string> {
  const { record, inflight, queuedMessages, queuedBytes } = session;
  const sent = new Set(inflight.map(({ delivery }) => delivery?.position));
  let [last, count, bytes] = [0, 0, 0];
  try {
    for (;;) {
      const page = store.queue(record.clientId, last, PAGE_MESSAGES);
      if (page.length === 0) break;
      for (const { position, message } of page) {
        if (position <= last) {
          yield `position ${position} follows position ${last} in its queue`;
          return;
        }
        if (sent.has(position)) yield `the message at position ${position} waits, and is in flight`;
        yield* messageProblems(message);
        last = position;
        count++;
        bytes += message.bytes;
      }
      examined.messages += page.length;
      onProgress();
    }
  } catch (error) {
    yield `its queue cannot be read beyond position ${last}: ${messageOf(error)}`;
    return;
  }
  if (count !== queuedMessages) yield `${queuedMessages} messages should wait, and there are ${count}`;
  if (bytes !== queuedBytes) yield `${queuedBytes} bytes should wait, and there are ${bytes}`;
}

function* messageProblems({ topic }: Message): Generator<string> {
  if (!isValidTopicName(topic)) yield `a message has the topic '${topic}', which is none`;
}

function* repeated<T>(items: readonly T[], what: string, keyOf: (item: T) => string | number): Generator<string> {
  const seen = new Set<string | number>();
  for (const item of items) {
    const key = keyOf(item);
    if (seen.has(key)) yield `there are two ${what} ${key}`;
    seen.add(key);
  }
}

function isPacketId(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_PACKET_ID;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
