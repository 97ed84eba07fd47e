import type { ServerTest } from '../suite/server-test.js';

/**
 * Demands that the broker ends a connection on which this CONNECT is all that was sent: before 5.0 without a CONNACK, and
 * in 5.0 with one that has one of these reason codes, or with none.
 */
export async function isMalformedConnect(
  t: ServerTest,
  connect: Uint8Array,
  what: string,
  reasonCodes: readonly number[] = [0x81, 0x82],
): Promise<void> {
  const client = await t.open(what);
  client.send(connect);
  if (t.level === 5) {
    await client.isRefused(reasonCodes);
    return;
  }
  const before = await client.ended();
  t.equal(
    before.map(({ name }) => name),
    [],
    `The packets before the end after a CONNECT with ${what}`,
  );
}
