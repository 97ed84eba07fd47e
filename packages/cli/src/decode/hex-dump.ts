const BYTES_A_LINE = 16;
/** What is shown of a payload as a dump. */
const LARGEST_DUMP = 65_536;
/** What is shown of a payload on a line that says something else, too. */
const LARGEST_LINE = 64;

/** Offsets, bytes and characters, 16 bytes a line, of the first 64 KiB. */
export function hexDump(payload: Uint8Array): string {
  if (payload.length === 0) return '(empty)';
  const lines: string[] = [];
  const end = Math.min(payload.length, LARGEST_DUMP);
  for (let offset = 0; offset < end; offset += BYTES_A_LINE) {
    const bytes = payload.subarray(offset, Math.min(offset + BYTES_A_LINE, end));
    const columns = `${hexOf(bytes.subarray(0, 8))}  ${hexOf(bytes.subarray(8))}`.padEnd(BYTES_A_LINE * 3);
    lines.push(`${offset.toString(16).padStart(8, '0')}  ${columns}  |${asciiOf(bytes)}|`);
  }
  if (end < payload.length) lines.push(leftOut(payload.length - end));
  return lines.join('\n');
}

/** The first bytes and characters, on one line. */
export function hexLine(payload: Uint8Array): string {
  if (payload.length === 0) return '(empty)';
  const bytes = payload.subarray(0, LARGEST_LINE);
  const rest = payload.length - bytes.length;
  return `${hexOf(bytes)}  |${asciiOf(bytes)}|${rest > 0 ? ` ${leftOut(rest)}` : ''}`;
}

function leftOut(count: number): string {
  return `... and ${count} more byte${count === 1 ? '' : 's'}`;
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

function asciiOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
}
