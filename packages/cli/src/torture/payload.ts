const SHORT_BYTES = 48;
/** Larger than a page of any store, now and then: such values lie elsewhere on the disk than small ones. */
const LONG_BYTES = 6_000;
const LONG_EVERY = 40;

/** What the message with this number on this topic says. The number can be read from it, and the rest be compared. */
export function payloadOf(topic: string, number: number): string {
  const start = `${number} ${topic} `;
  const length = number % LONG_EVERY === 0 ? LONG_BYTES : SHORT_BYTES;
  return start.padEnd(length, String.fromCharCode(97 + (number % 26)));
}

/** The number of a message, or undefined if the payload is not exactly what `payloadOf` gives for that topic. */
export function numberIn(payload: Uint8Array, topic: string): number | undefined {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString();
  const number = Number.parseInt(text, 10);
  return text === payloadOf(topic, number) ? number : undefined;
}
