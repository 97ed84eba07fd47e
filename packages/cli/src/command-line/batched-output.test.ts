import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BatchedOutput } from './batched-output.js';

class Target extends Writable {
  readonly writes: string[] = [];
  /** Ends the write that is under way. */
  release: (error?: Error) => void = () => {};
  readonly #slow: boolean;

  constructor(slow: boolean) {
    super({ highWaterMark: 1 });
    this.#slow = slow;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.writes.push(chunk.toString());
    if (this.#slow) this.release = done;
    else done();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('BatchedOutput', () => {
  it('writes what is printed in one turn in one piece', async () => {
    const target = new Target(false);
    const output = new BatchedOutput(target);
    output.writeText('größer ');
    output.writeBytes(Uint8Array.of(0x31, 0x32));
    output.writeText('x'.repeat(5_000));
    await turn();
    output.writeText('next');
    await output.end();
    expect(target.writes.filter((text) => text !== '')).toEqual([`größer 12${'x'.repeat(5_000)}`, 'next']);
  });

  it('tells when the reader is slow, and when there is room again', async () => {
    const target = new Target(true);
    const output = new BatchedOutput(target);
    const told: string[] = [];
    output.onFull = () => told.push('full');
    output.onRoom = () => told.push('room');
    output.writeText('text');
    await turn();
    expect(told).toEqual(['full']);
    target.release();
    await turn();
    expect(told).toEqual(['full', 'room']);
  });

  it('does not touch what a slow reader has not taken yet', async () => {
    const target = new Target(true);
    const output = new BatchedOutput(target);
    const told: string[] = [];
    output.onFull = () => told.push('full');
    for (const text of ['one', 'two', 'three']) {
      output.writeText(text);
      await turn();
    }
    for (let i = 0; i < 3; i++) {
      target.release();
      await turn();
    }
    expect(target.writes).toEqual(['one', 'two', 'three']);
    expect(told).toEqual(['full']);
  });

  it('is not full of what the reader takes at once, however much it is', async () => {
    const target = new Target(false);
    const output = new BatchedOutput(target);
    const told: string[] = [];
    output.onFull = () => told.push('full');
    output.onRoom = () => told.push('room');
    for (let i = 0; i < 3; i++) output.writeText(String(i).repeat(500_000));
    await turn();
    expect(target.writes.join('')).toHaveLength(1_500_000);
    expect(told).toEqual([]);
  });

  it('tells once when nobody reads any more, and drops the rest', async () => {
    const target = new Target(true);
    const output = new BatchedOutput(target);
    const gone: unknown[] = [];
    output.onGone = ({ code }) => gone.push(code);
    output.writeText('text');
    await turn();
    target.release(Object.assign(new Error('closed'), { code: 'EPIPE' }));
    await turn();
    output.writeText('more');
    await output.end();
    expect(gone).toEqual(['EPIPE']);
    expect(target.writes).toEqual(['text']);
  });
});
