import { PACKET_TYPE, type PacketName } from './packet-writer.js';

/** More bytes than these are cut: a trace is for reading. */
const SHOWN_BYTES = 64;

const PACKET_NAMES = Object.keys(PACKET_TYPE) as PacketName[];

/** What went over the wire in one test, and when. */
export class Trace {
  readonly #start = performance.now();
  readonly #lines: string[] = [];

  sent(who: string, bytes: Uint8Array): void {
    this.#add(who, '>', describePacket(bytes));
  }

  received(who: string, bytes: Uint8Array): void {
    this.#add(who, '<', describePacket(bytes));
  }

  note(who: string, text: string): void {
    this.#add(who, '-', text);
  }

  toString(): string {
    return this.#lines.join('\n');
  }

  #add(who: string, direction: string, text: string): void {
    const at = (performance.now() - this.#start).toFixed(1).padStart(8);
    this.#lines.push(`${at} ms  ${who.padEnd(10)} ${direction} ${text}`);
  }
}

function describePacket(bytes: Uint8Array): string {
  const name = PACKET_NAMES.find((candidate) => PACKET_TYPE[candidate] === bytes[0] >> 4) ?? 'no packet';
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES))
    .toString('hex')
    .replaceAll(/(..)(?!$)/g, '$1 ');
  const more = bytes.length > SHOWN_BYTES ? ` … ${bytes.length} bytes` : '';
  return `${name.padEnd(11)} ${shown}${more}`;
}
