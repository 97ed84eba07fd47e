import { describe, expect, it } from 'vitest';
import { Counters } from './counters.js';
import { CHUNK_BYTES, Output, OutputPool } from './output.js';
import type { Link } from './ports/link.js';

/** Takes bytes at once, as long as it is told to; remembers them either way. */
class ScriptedLink implements Link {
  readonly transport = 'memory';
  readonly remoteAddress = '';
  readonly remotePort = 0;
  readonly localPort = 0;
  readonly tls = null;
  takes = true;
  pendingBytes = 0;
  readonly writes: Uint8Array[] = [];

  write(bytes: Uint8Array): boolean {
    // What was taken at once is copied, because its memory is used again; the rest is held as it is.
    this.writes.push(this.takes ? Uint8Array.from(bytes) : bytes);
    if (!this.takes) this.pendingBytes += bytes.length;
    return this.takes;
  }

  get text(): string {
    return Buffer.concat(this.writes).toString('latin1');
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

function outputs(count: number): { pool: OutputPool; links: ScriptedLink[]; all: Output[] } {
  const pool = new OutputPool(new Counters());
  const links = Array.from({ length: count }, () => new ScriptedLink());
  return { pool, links, all: links.map((link) => new Output(pool, link)) };
}

function send(output: Output, text: string): void {
  output.copy(Buffer.from(text, 'latin1'), 0, text.length);
}

describe('Output', () => {
  it('sends all that came between two flushes in one write', () => {
    const { pool, links, all } = outputs(1);
    send(all[0], 'one');
    send(all[0], 'two');
    all[0].acknowledgement(0x40, 0x4142, 0);
    all[0].acknowledgement(0x40, 0x4344, 0x80);
    expect(all[0].pendingBytes).toBe(15);
    expect(links[0].writes).toEqual([]);
    pool.flush();
    expect(links[0].text).toBe('onetwo@\x02AB@\x03CD\x80');
    expect(links[0].writes).toHaveLength(1);
    pool.flush();
    expect(links[0].writes).toHaveLength(1);
    expect([all[0].chunk, all[0].pendingBytes]).toEqual([null, 0]);
  });

  it('uses one chunk for all, one after the other', () => {
    const { pool, all } = outputs(2);
    const chunks = all.map((output) => {
      send(output, 'x');
      const { chunk } = output;
      pool.flush();
      return chunk;
    });
    expect(chunks[0]).toBe(chunks[1]);
  });

  it('writes a chunk out before it overflows', () => {
    const { pool, links, all } = outputs(1);
    send(all[0], 'a'.repeat(CHUNK_BYTES - 1));
    send(all[0], 'b');
    expect(links[0].writes).toHaveLength(0);
    send(all[0], 'c');
    expect(links[0].writes.map(({ length }) => length)).toEqual([CHUNK_BYTES]);
    pool.flush();
    expect(links[0].text.endsWith('abc')).toBe(true);
  });

  it('shares what is larger than a chunk, in its place, and copies it when it is only lent', () => {
    const { pool, links, all } = outputs(1);
    const large = new Uint8Array(CHUNK_BYTES + 1).fill(0x4c);
    links[0].takes = false;
    send(all[0], 'before');
    all[0].copy(large, 0, large.length);
    all[0].share(large);
    send(all[0], 'after');
    large.fill(0);
    expect(links[0].writes.map(({ length }) => length)).toEqual([6, large.length, large.length]);
    expect([links[0].writes[1][0], links[0].writes[2]]).toEqual([0x4c, large]);
    all[0].finish();
    pool.flush();
    expect(links[0].text.endsWith('after')).toBe(true);
  });

  it('gathers while the peer is behind, in full chunks, and goes on when it has caught up', () => {
    const { pool, links, all } = outputs(1);
    links[0].takes = false;
    send(all[0], '1');
    pool.flush();
    expect(all[0].isBehind).toBe(true);
    send(all[0], '2');
    pool.flush();
    send(all[0], '3');
    pool.flush();
    expect(links[0].text).toBe('1');
    expect(all[0].pendingBytes).toBe(3);
    send(all[0], 'x'.repeat(CHUNK_BYTES - 1));
    expect(links[0].writes.map(({ length }) => length)).toEqual([1, 2]);
    links[0].takes = true;
    links[0].pendingBytes = 0;
    all[0].drained();
    expect([all[0].isBehind, all[0].pendingBytes]).toEqual([false, 0]);
    expect(links[0].text).toBe(`123${'x'.repeat(CHUNK_BYTES - 1)}`);
  });

  it('is behind again when it does not take what had gathered', () => {
    const { pool, links, all } = outputs(1);
    links[0].takes = false;
    send(all[0], '1');
    pool.flush();
    send(all[0], '2');
    links[0].pendingBytes = 0;
    all[0].drained();
    expect([all[0].isBehind, all[0].pendingBytes]).toEqual([true, 1]);
  });

  it('never uses a chunk again that the link still holds', () => {
    const { pool, links, all } = outputs(2);
    links[0].takes = false;
    send(all[0], 'held');
    pool.flush();
    send(all[1], 'else');
    pool.flush();
    expect(links.map(({ text }) => text)).toEqual(['held', 'else']);
  });

  it('forgets what it has when its connection is gone, and its chunk is free', () => {
    const { pool, links, all } = outputs(2);
    send(all[0], 'gone');
    const { chunk } = all[0];
    all[0].discard();
    send(all[1], 'x');
    expect(all[1].chunk).toBe(chunk);
    pool.flush();
    expect(links.map(({ text }) => text)).toEqual(['', 'x']);
  });
});

describe('OutputPool', () => {
  it('writes out early rather than hand out a chunk to everybody, and forgets nobody', () => {
    const { pool, links, all } = outputs(1000);
    const chunks = new Set<Uint8Array | null>();
    for (const [i, output] of all.entries()) {
      send(output, `${i}`);
      chunks.add(output.chunk);
    }
    expect(chunks.size).toBeLessThanOrEqual(256);
    pool.flush();
    expect(links.map(({ text }) => text)).toEqual(all.map((_, i) => `${i}`));
  });

  it('writes out early what an output had before, if it is the one that needs a chunk', () => {
    const { pool, links, all } = outputs(300);
    for (const output of all.slice(0, 256)) send(output, 'a');
    send(all[299], 'b');
    send(all[0], 'c');
    pool.flush();
    expect([links[0].text, links[255].text, links[299].text]).toEqual(['ac', 'a', 'b']);
  });

  it('keeps as many free chunks as were needed at once since the last trim', () => {
    const { pool, all } = outputs(10);
    const use = (count: number): Set<Uint8Array | null> => {
      for (const output of all.slice(0, count)) send(output, 'x');
      const chunks = new Set(all.map(({ chunk }) => chunk));
      pool.flush();
      chunks.delete(null);
      return chunks;
    };
    const first = use(10);
    pool.trim();
    const second = use(10);
    expect([...second].every((chunk) => first.has(chunk))).toBe(true);
    pool.trim();
    use(2);
    pool.trim();
    const last = [...use(10)];
    expect(last.filter((chunk) => first.has(chunk))).toHaveLength(2);
  });
});
