import type { ReadableStore } from './export.js';

/** How much a store has. */
export interface Census {
  readonly sessions: number;
  /** Whose connections had not ended when the store was last written. */
  readonly connected: number;
  readonly subscriptions: number;
  /** Messages that wait, each counted for each session, and their bytes: topic, payload, properties. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Outbound, with a packet id. */
  readonly inflight: number;
  /** Inbound messages of QoS 2 whose PUBREL has not come. */
  readonly inbound: number;
  readonly retained: number;
  readonly retainedBytes: number;
  /** The session without a connection for the longest time; null when there is none. */
  readonly longestAway: { readonly clientId: string; readonly sinceMs: number } | null;
  /** The session for which most messages wait; null when none does. */
  readonly longestQueue: { readonly clientId: string; readonly messages: number } | null;
}

export function takeCensus(store: ReadableStore): Census {
  const sums = {
    sessions: 0,
    connected: 0,
    subscriptions: 0,
    queuedMessages: 0,
    queuedBytes: 0,
    inflight: 0,
    inbound: 0,
    retained: 0,
    retainedBytes: 0,
  };
  let longestAway: Census['longestAway'] = null;
  let longestQueue: Census['longestQueue'] = null;
  for (const { record, subscriptions, inflight, inbound, queuedMessages, queuedBytes } of store.sessions()) {
    const { clientId, disconnectedAtMs: sinceMs } = record;
    sums.sessions++;
    sums.subscriptions += subscriptions.length;
    sums.queuedMessages += queuedMessages;
    sums.queuedBytes += queuedBytes;
    sums.inflight += inflight.length;
    sums.inbound += inbound.length;
    if (sinceMs === null) sums.connected++;
    else if (longestAway === null || sinceMs < longestAway.sinceMs) longestAway = { clientId, sinceMs };
    if (queuedMessages > (longestQueue?.messages ?? 0)) longestQueue = { clientId, messages: queuedMessages };
  }
  for (const { bytes } of store.retained()) {
    sums.retained++;
    sums.retainedBytes += bytes;
  }
  return { ...sums, longestAway, longestQueue };
}
