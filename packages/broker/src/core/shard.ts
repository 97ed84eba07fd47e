import { SHARDS } from './ports/store.js';

/**
 * The shard of a client's lasting session: FNV-1a over the UTF-16 units of its id. Fixed for ever, because keys on disk
 * begin with it.
 */
export function shardOf(clientId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < clientId.length; i++) hash = Math.imul(hash ^ clientId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % SHARDS;
}
