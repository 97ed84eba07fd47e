import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { codeOf } from './failures.js';

// What LMDB's files begin with: two pages that each say where everything is; the one of the later transaction counts.
// It is looked at before LMDB opens a file, because LMDB trusts a file once its first bytes look right: it maps it, and
// the process dies where the file ends too early.

const PAGE_HEADER_BYTES = 24;
const MAGIC = 0xbeefc0de;
const META_BYTES = 136;

/** Offsets within the description that follows the header of the page. */
const At = { MAGIC: 0, PAGE_SIZE: 24, LAST_PAGE: 120, TRANSACTION: 128 } as const;

export type DataFileState =
  /** There is none, or an empty one. */
  | { readonly kind: 'new' }
  | { readonly kind: 'sound' }
  /** Something else than a store. */
  | { readonly kind: 'foreign'; readonly why: string }
  /**
   * It ends before the last page that LMDB has counted, which would end at `bytes`. Whether something is missing has to be
   * found out: a page that a commit took and had no use for is counted, and not written.
   */
  | { readonly kind: 'short'; readonly why: string; readonly bytes: number }
  /** A store that lacks something. */
  | { readonly kind: 'torn'; readonly why: string };

/** Looks at the beginning and the length of a data file. @throws Error when it cannot be read */
export function inspectDataFile(path: string): DataFileState {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { kind: 'new' };
    throw error;
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return { kind: 'foreign', why: 'it is not a file' };
    if (stats.size === 0) return { kind: 'new' };
    return inspect(descriptor, stats.size);
  } finally {
    closeSync(descriptor);
  }
}

function inspect(descriptor: number, size: number): DataFileState {
  const first = readMeta(descriptor, 0);
  if (first === null) return { kind: 'foreign', why: 'it is not a file of the store' };
  const second = readMeta(descriptor, first.pageSize);
  if (second === null || second.pageSize !== first.pageSize) {
    return { kind: 'torn', why: 'its second page is damaged' };
  }
  const newest = first.transaction > second.transaction ? first : second;
  const bytes = (newest.lastPage + 1) * newest.pageSize;
  if (size < bytes) return { kind: 'short', why: `it has ${size} bytes and should have ${bytes}`, bytes };
  return { kind: 'sound' };
}

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly transaction: number;
}

/** Null: that is none. */
function readMeta(descriptor: number, offset: number): Meta | null {
  const bytes = Buffer.alloc(META_BYTES);
  if (readSync(descriptor, bytes, 0, META_BYTES, offset + PAGE_HEADER_BYTES) < META_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const isLittle = endianness() === 'LE';
  if (view.getUint32(At.MAGIC, isLittle) !== MAGIC) return null;
  const pageSize = view.getUint32(At.PAGE_SIZE, isLittle);
  if (pageSize < 512 || pageSize > 65_536 || (pageSize & (pageSize - 1)) !== 0) return null;
  return {
    pageSize,
    lastPage: Number(view.getBigUint64(At.LAST_PAGE, isLittle)),
    transaction: Number(view.getBigUint64(At.TRANSACTION, isLittle)),
  };
}
