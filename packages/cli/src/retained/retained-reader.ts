import { randomBytes } from 'node:crypto';
import { type Client, type Clock, type Message, systemClock } from '@cauldron/client';
import { hasWildcard, ReasonCode } from '@cauldron/codec';

export interface ReadOptions {
  /** How long nothing must come before all is considered there, in milliseconds. */
  readonly quietMs: number;
  /** Ends it before all are there. */
  readonly signal?: AbortSignal;
  readonly clock?: Pick<Clock, 'nowMs' | 'after'>;
}

/** How many round trips a broker may pause between two messages. */
const QUIET_ROUND_TRIPS = 4;

/**
 * Reads the retained messages of some topic filters. MQTT does not say when all of them have come: SUBACK may come before
 * them. So the broker is asked something else after the subscription (to end one that there is not, for which a client
 * needs no rights and which nobody else sees); when it has answered that, and then for `quietMs`, and for four times as
 * long as the answer took, no retained message comes, these were all. If one comes, it is asked again. Where the filters
 * have no wildcards, each is over with its first message. They are asked for with QoS 0: queues of the broker, which have
 * bounds, are not needed for them, so none is dropped.
 * @param onMessage called for each, once for each filter that it matches
 * @returns when all are there, with the filters that the broker refused
 * @throws (rejects) SubscribeRefused when it refused all; the error that ended the connection
 */
export async function readRetained(
  client: Client,
  filters: readonly string[],
  onMessage: (message: Message) => void,
  { quietMs, signal, clock = systemClock }: ReadOptions,
): Promise<readonly string[]> {
  let arrived = 0;
  let complete = () => {};
  const isComplete = new Promise<void>((resolve) => {
    complete = resolve;
  });
  const most = filters.some(hasWildcard) ? Number.POSITIVE_INFINITY : filters.length;
  const nothing = `cauldron/nothing/${randomBytes(12).toString('hex')}`;
  const subscription = await client.subscribe(filters, { qos: 0 }, (message) => {
    if (!message.retain || signal?.aborted) return;
    onMessage(message);
    if (++arrived === most) complete();
  });
  signal?.addEventListener('abort', complete, { once: true });
  for (let before = -1; before !== arrived && arrived < most && !signal?.aborted; ) {
    before = arrived;
    const startMs = clock.nowMs();
    await client.unsubscribe(nothing);
    const roundTripMs = clock.nowMs() - startMs;
    await sleep(clock, Math.max(quietMs, roundTripMs * QUIET_ROUND_TRIPS), isComplete);
  }
  await subscription.unsubscribe();
  return filters.filter((_, i) => (subscription.reasonCodes[i] ?? 0) >= ReasonCode.UNSPECIFIED_ERROR);
}

function sleep(clock: Pick<Clock, 'after'>, delayMs: number, enough: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(delayMs, resolve);
    void enough.then(() => {
      cancel();
      resolve();
    });
  });
}
