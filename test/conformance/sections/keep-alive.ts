import type { RawClient } from '../raw/raw-client.js';
import { ConformanceFailure } from '../raw/raw-peer.js';
import type { ServerTest } from '../suite/server-test.js';

/** What the clients of these tests ask for. */
export const KEEP_ALIVE_S = 2;

/** A client that keeps to its keep alive need not have said anything before. */
const NOT_BEFORE_MS = KEEP_ALIVE_S * 1000;

/** Due is the end at one and a half times the keep alive; but many brokers look at their clients every few seconds. */
const NOT_AFTER_MS = NOT_BEFORE_MS * 1.5 + 6000;

/**
 * Demands that the broker gives this client up, from which it has just heard the last. `meanwhile` is called several
 * times in each second.
 */
export async function isGivenUp(t: ServerTest, client: RawClient, meanwhile: () => void = () => {}): Promise<void> {
  const startMs = performance.now();
  const elapsedMs = (): number => performance.now() - startMs;
  while (!client.isEnded && elapsedMs() < NOT_AFTER_MS) {
    meanwhile();
    await t.pass(200);
  }
  t.ok(client.isEnded, `The connection is open after ${NOT_AFTER_MS} ms, with a keep alive of ${KEEP_ALIVE_S} s`);
  t.ok(elapsedMs() >= NOT_BEFORE_MS, `The connection was closed after ${elapsedMs().toFixed(0)} ms`);
  const farewell = (await client.ended()).find(({ name }) => name !== 'PUBLISH');
  if (farewell === undefined) {
    t.ok(t.level < 5 || !t.target.mustExplain, 'The connection was closed without a packet that says why');
  } else if (farewell.name !== 'DISCONNECT' || farewell.reasonCode !== 0x8d) {
    throw new ConformanceFailure(`${farewell.name} came where DISCONNECT with 0x8d was expected`);
  }
}
