import type { MosquittoChunk } from '@cauldron/broker';

/** The kinds of parts by their names in Mosquitto, in the order of its program. */
const NAMES: readonly (readonly [MosquittoChunk['kind'], string])[] = [
  ['configuration', 'DB_CHUNK_CFG'],
  ['message', 'DB_CHUNK_BASE_MSG'],
  ['clientMessage', 'DB_CHUNK_CLIENT_MSG'],
  ['retained', 'DB_CHUNK_RETAIN'],
  ['subscription', 'DB_CHUNK_SUB'],
  ['client', 'DB_CHUNK_CLIENT'],
];

/** How many parts of each kind there are. */
export function countsText(chunks: readonly MosquittoChunk[]): string {
  return NAMES.map(([kind, name]) => {
    const count = chunks.filter((chunk) => chunk.kind === kind).length;
    return `${`${name}:`.padEnd(20)} ${count}\n`;
  }).join('');
}

interface Sums {
  subscriptions: number;
  subscriptionBytes: number;
  messages: number;
  messageBytes: number;
}

/** A line for each client: its subscriptions, what waits for it, and how many bytes of the file that takes. */
export function clientLines(chunks: readonly MosquittoChunk[]): string[] {
  const clients = new Map<string, Sums>();
  const messageBytes = new Map<bigint, number>();
  for (const chunk of chunks) {
    switch (chunk.kind) {
      case 'client': {
        const sums = { subscriptions: 0, subscriptionBytes: 0, messages: 0, messageBytes: 0 };
        clients.set(chunk.client.clientId, sums);
        break;
      }
      case 'message':
        messageBytes.set(chunk.message.id, chunk.length);
        break;
      case 'subscription': {
        const sums = clients.get(chunk.subscription.clientId);
        if (sums === undefined) break;
        sums.subscriptions++;
        sums.subscriptionBytes += chunk.length;
        break;
      }
      case 'clientMessage': {
        const sums = clients.get(chunk.clientMessage.clientId);
        if (sums === undefined) break;
        sums.messages++;
        sums.messageBytes += chunk.length + (messageBytes.get(chunk.clientMessage.messageId) ?? 0);
        break;
      }
    }
  }
  return [...clients].map(
    ([clientId, { subscriptions, subscriptionBytes, messages, messageBytes: bytes }]) =>
      `SC: ${subscriptions} SS: ${subscriptionBytes} MC: ${messages} MS: ${bytes}   ${clientId}\n`,
  );
}
