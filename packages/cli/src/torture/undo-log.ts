import { endianness } from 'node:os';

// The log that power-cut.c writes, and what a power cut makes of it.

/** As in power-cut.c. */
const Kind = { CHANGE: 1, SYNCED: 2, LANDED: 3, UNKNOWN: 4 } as const;
const FIELD_BYTES = 8;
const RECORD_BYTES = 7 * FIELD_BYTES;
const ALL_FILES = 0n;

/** What a disk writes as a whole, or not at all. */
const SECTOR_BYTES = 512;

/** One change of a file. */
interface Change {
  /** Where its record lies in the log. */
  readonly position: number;
  readonly offset: number;
  readonly length: number;
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  /** What was there before; shorter than `length` where the file ended. */
  readonly bytes: Uint8Array;
  isDurable: boolean;
}

/** To be written to a file; zeros fill up `length`. */
export interface Restoration {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** What makes a file as it is after the power cut. */
export interface FileRestoration {
  /** Inode. */
  readonly file: bigint;
  /** In this order. */
  readonly restorations: readonly Restoration[];
  /** The length that it has afterwards. */
  readonly size: number;
}

export interface PowerCutPlan {
  readonly files: readonly FileRestoration[];
  /** Changes that were not durable. */
  readonly pending: number;
  /** What was done to files in ways that cannot be taken back: the call, and the path. */
  readonly unknown: readonly string[];
}

/**
 * Decides what a power cut leaves. `survivors` is asked for each sector, and for the length of each file, how many of its
 * changes that were not durable the disk has all the same, of so many: it answers with 0 to `count`; these are the first
 * ones, because a sector goes to the disk as it is at that moment.
 */
export function planPowerCut(log: Uint8Array, survivors: (count: number) => number): PowerCutPlan {
  const { changes, unknown } = readLog(log);
  const files: FileRestoration[] = [];
  let pending = 0;
  for (const [file, list] of changes) {
    const count = list.filter(({ isDurable }) => !isDurable).length;
    if (count === 0) continue;
    pending += count;
    files.push(planFile(file, list, survivors));
  }
  return { files, pending, unknown };
}

function readLog(log: Uint8Array): { changes: Map<bigint, Change[]>; unknown: string[] } {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  const isLittle = endianness() === 'LE';
  const changes = new Map<bigint, Change[]>();
  const unknown = new Set<string>();
  for (let position = 0; position + RECORD_BYTES <= log.length; ) {
    const field = (index: number): bigint => view.getBigUint64(position + index * FIELD_BYTES, isLittle);
    const [kind, offset, length, sizeBefore, sizeAfter, bytesLength] = [0, 2, 3, 4, 5, 6].map((i) => Number(field(i)));
    const file = field(1);
    const end = position + RECORD_BYTES + bytesLength;
    // The process died while it wrote this; the change has not happened.
    if (end > log.length) break;
    const bytes = log.subarray(position + RECORD_BYTES, end);
    if (kind === Kind.CHANGE) {
      const change = { position, offset, length, sizeBefore, sizeAfter, bytes, isDurable: false };
      const list = changes.get(file);
      if (list === undefined) changes.set(file, [change]);
      else list.push(change);
    } else if (kind === Kind.SYNCED) {
      const lists = file === ALL_FILES ? [...changes.values()] : [changes.get(file) ?? []];
      for (const change of lists.flat()) if (change.position < offset) change.isDurable = true;
    } else if (kind === Kind.LANDED) {
      const change = changes.get(file)?.find((one) => one.position === offset);
      if (change !== undefined) change.isDurable = true;
    } else if (kind === Kind.UNKNOWN) unknown.add(Buffer.from(bytes).toString());
    else throw new RangeError(`The log has a record of kind ${kind} at ${position}`);
    position = end;
  }
  return { changes, unknown: [...unknown] };
}

function planFile(file: bigint, changes: readonly Change[], survivors: (count: number) => number): FileRestoration {
  const sectors = new Map<number, Change[]>();
  const resizing: Change[] = [];
  for (const change of changes) {
    const { offset, length, sizeBefore, sizeAfter } = change;
    const last = Math.ceil((offset + length) / SECTOR_BYTES);
    for (let sector = Math.floor(offset / SECTOR_BYTES); sector < last; sector++) touch(sectors, sector, change);
    if (sizeBefore !== sizeAfter) resizing.push(change);
  }
  const restorations: Restoration[] = [];
  for (const [sector, touching] of sectors) {
    for (const change of losses(touching, survivors).reverse()) restorations.push(within(sector, change));
  }
  const [firstLost] = losses(resizing, survivors);
  const size = firstLost?.sizeBefore ?? changes.at(-1)?.sizeAfter ?? 0;
  return { file, restorations, size };
}

function touch(sectors: Map<number, Change[]>, sector: number, change: Change): void {
  const touching = sectors.get(sector);
  if (touching === undefined) sectors.set(sector, [change]);
  // What is durable makes all that came before it durable there.
  else if (change.isDurable) touching.splice(0, touching.length, change);
  else touching.push(change);
}

/** The changes that are lost, of those of one sector or of one length, oldest first. */
function losses(changes: readonly Change[], survivors: (count: number) => number): Change[] {
  const pending = changes.slice(changes.findLastIndex(({ isDurable }) => isDurable) + 1);
  return pending.length === 0 ? [] : pending.slice(survivors(pending.length));
}

/** What was in one sector before a change. */
function within(sector: number, { offset, length, bytes }: Change): Restoration {
  const start = Math.max(offset, sector * SECTOR_BYTES);
  const end = Math.min(offset + length, (sector + 1) * SECTOR_BYTES);
  return { offset: start, bytes: bytes.subarray(start - offset, Math.max(start, end) - offset), length: end - start };
}
