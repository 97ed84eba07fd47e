import type { InflightState } from '../../core/ports/store.js';
import type { Batch } from './environment.js';
import { partKey } from './keys.js';
import type { RecordWriter } from './record-writer.js';
import { readerOf, readTarget, readUint, writeTarget } from './records.js';
import { Share } from './share.js';

/** Packet ids of one part, a power of two: what is written in one piece. */
const PART_IDS = 64;

/** What one packet id stands for. */
export class Inflight {
  /** Grows from one to the next that is sent. */
  readonly sequence: number;
  state: InflightState;
  /** Null in state 3. */
  share: Share | null;
  /** The disk has it, or will with the commit under way. */
  isWritten: boolean;

  constructor(sequence: number, state: InflightState, share: Share | null, isWritten: boolean) {
    this.sequence = sequence;
    this.state = state;
    this.share = share;
    this.isWritten = isWritten;
  }
}

/** What one session has in flight. All of it is in memory: it is bounded by the client's window. */
export class InflightWindow {
  /** By packet id, in the order in which they were sent. */
  readonly byId = new Map<number, Inflight>();
  #sequence = 0;
  /** By part: in how many ways it differs from what the disk has. */
  readonly #changes = new Map<number, number>();
  #committing: number[] = [];

  get isChanged(): boolean {
    return this.#changes.size > 0;
  }

  send(packetId: number, share: Share): void {
    this.#sequence++;
    this.byId.set(packetId, new Inflight(this.#sequence, share.target.qos === 2 ? 2 : 1, share, false));
    this.#change(packetId, 1);
  }

  /** The message is the client's; its share, if it had one yet. */
  receive(packetId: number): Share | null {
    const inflight = this.byId.get(packetId);
    if (inflight === undefined || inflight.state === 3) return null;
    const { share } = inflight;
    inflight.state = 3;
    inflight.share = null;
    if (inflight.isWritten) this.#change(packetId, 1);
    return share;
  }

  /** What the id stood for; undefined: it was free. */
  complete(packetId: number): Inflight | undefined {
    const inflight = this.byId.get(packetId);
    if (inflight === undefined) return undefined;
    this.byId.delete(packetId);
    this.#change(packetId, inflight.isWritten ? 1 : -1);
    return inflight;
  }

  write(batch: Batch, writer: RecordWriter, prefix: Buffer): void {
    for (const part of this.#changes.keys()) {
      const first = part * PART_IDS;
      let isEmpty = true;
      for (let packetId = first; packetId < first + PART_IDS; packetId++) {
        const inflight = this.byId.get(packetId);
        if (inflight === undefined) continue;
        isEmpty = false;
        inflight.isWritten = true;
        const { sequence, state, share } = inflight;
        writer.uint16(packetId);
        writer.byte(state);
        writer.uint(sequence);
        if (share === null) continue;
        writer.uint(share.position);
        writer.uint(share.bytes);
        writeTarget(writer, share.target);
      }
      if (isEmpty) batch.remove('inflight', partKey(prefix, part));
      else batch.put('inflight', partKey(prefix, part), writer.take());
      this.#committing.push(part);
    }
    this.#changes.clear();
  }

  settle(isCommitted: boolean): void {
    if (!isCommitted) for (const part of this.#committing) this.#changes.set(part, Number.MAX_SAFE_INTEGER / 2);
    this.#committing = [];
  }

  /** For the start: all parts of the session, read one after the other, then `sort`. */
  restore(value: Uint8Array, clientId: string): void {
    const reader = readerOf(value, 'messages in flight');
    while (reader.at < reader.end) {
      const packetId = reader.uint16('a packet id');
      const state = reader.byte('a state') as InflightState;
      const sequence = readUint(reader, 'its place');
      let share: Share | null = null;
      if (state !== 3) {
        const position = readUint(reader, 'a position');
        const bytes = readUint(reader, 'the bytes of a message');
        share = new Share(position, readTarget(reader, clientId), bytes, true);
      }
      this.byId.set(packetId, new Inflight(sequence, state, share, true));
    }
  }

  /** Parts are in the order of packet ids; messages were sent in another. */
  sort(): void {
    const sorted = [...this.byId].sort(([, a], [, b]) => a.sequence - b.sequence);
    this.byId.clear();
    for (const [packetId, inflight] of sorted) this.byId.set(packetId, inflight);
    this.#sequence = sorted.at(-1)?.[1].sequence ?? 0;
  }

  #change(packetId: number, by: number): void {
    const part = Math.floor(packetId / PART_IDS);
    const changes = (this.#changes.get(part) ?? 0) + by;
    if (changes === 0) this.#changes.delete(part);
    else this.#changes.set(part, changes);
  }
}
