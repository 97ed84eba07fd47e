/** Levels of what is nested; what goes deeper is made to break programs. */
const DEEPEST = 100;

/** How an item begins: bytes of its length field, bytes that follow, items that follow. */
interface Head {
  readonly lengthBytes: 0 | 1 | 2 | 4;
  readonly bytes: number;
  /** The length field counts bytes, items, or pairs of items; without that field these are `items`. */
  readonly counts: 'bytes' | 'items' | 'pairs';
  readonly items: number;
}

/**
 * Walks through MessagePack without making anything of it: the decoder trusts the lengths that arrays announce, and
 * reserves memory for them.
 * @throws Error for what ends too early, goes on behind its end, or nests too deeply
 */
export function checkMsgpack(payload: Uint8Array): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  /** Items that are missing at each level. */
  const missing = [1];
  let at = 0;
  while (missing.length > 0) {
    const level = missing.length - 1;
    if (missing[level] === 0) {
      missing.pop();
      continue;
    }
    missing[level]--;
    if (at >= payload.length) throw new Error('it ends too early');
    const head = headOf(payload[at++]);
    if (at + head.lengthBytes > payload.length) throw new Error('it ends too early');
    const count = lengthOf(view, at, head);
    at += head.lengthBytes + head.bytes + (head.counts === 'bytes' ? count : 0);
    const items = head.items + (head.counts === 'items' ? count : head.counts === 'pairs' ? count * 2 : 0);
    // Each item takes a byte at least.
    if (at + items > payload.length) throw new Error('it ends too early');
    if (items === 0) continue;
    if (missing.length === DEEPEST) throw new Error('nested too deeply');
    missing.push(items);
  }
  if (at < payload.length) throw new Error(`it goes on behind its end, at byte ${at}`);
}

function lengthOf(view: DataView, at: number, { lengthBytes }: Head): number {
  switch (lengthBytes) {
    case 0:
      return 0;
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at);
    case 4:
      return view.getUint32(at);
  }
}

/** By the table of formats in the specification of MessagePack. */
function headOf(first: number): Head {
  if (first <= 0x7f || first >= 0xe0) return head(0);
  if (first <= 0x8f) return head(0, 0, 'items', (first & 0x0f) * 2);
  if (first <= 0x9f) return head(0, 0, 'items', first & 0x0f);
  if (first <= 0xbf) return head(0, first & 0x1f);
  const found = HEADS[first - 0xc0];
  if (found === null) throw new Error('byte 0xc1 has no meaning');
  return found;
}

function head(lengthBytes: Head['lengthBytes'], bytes = 0, counts: Head['counts'] = 'bytes', items = 0): Head {
  return { lengthBytes, bytes, counts, items };
}

/** For the first bytes 0xc0 to 0xdf. */
const HEADS: readonly (Head | null)[] = [
  head(0), // nil
  null,
  head(0), // false
  head(0), // true
  head(1), // bin
  head(2),
  head(4),
  head(1, 1), // ext: a byte for its type
  head(2, 1),
  head(4, 1),
  head(0, 4), // float
  head(0, 8),
  head(0, 1), // uint
  head(0, 2),
  head(0, 4),
  head(0, 8),
  head(0, 1), // int
  head(0, 2),
  head(0, 4),
  head(0, 8),
  head(0, 2), // fixext: type and 1, 2, 4, 8, 16 bytes
  head(0, 3),
  head(0, 5),
  head(0, 9),
  head(0, 17),
  head(1), // str
  head(2),
  head(4),
  head(2, 0, 'items'), // array
  head(4, 0, 'items'),
  head(2, 0, 'pairs'), // map
  head(4, 0, 'pairs'),
];
