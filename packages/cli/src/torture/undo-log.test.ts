import { endianness } from 'node:os';
import { beforeEach, describe, expect, it } from 'vitest';
import { planPowerCut } from './undo-log.js';

const FILE = 7n;

/** Log and file as power-cut.c and a program make them. */
class Recording {
  log = Buffer.alloc(0);
  content: Buffer<ArrayBuffer>;

  constructor(content = '') {
    this.content = Buffer.from(content);
  }

  /** @returns where the record lies */
  write(offset: number, text: string): number {
    const sizeBefore = this.content.length;
    const end = offset + text.length;
    const old = this.content.subarray(offset, end);
    const position = this.#append(
      1,
      { offset, length: text.length, sizeBefore, sizeAfter: Math.max(sizeBefore, end) },
      old,
    );
    const content = Buffer.alloc(Math.max(sizeBefore, end));
    content.set(this.content);
    content.write(text, offset);
    this.content = content;
    return position;
  }

  truncate(length: number): number {
    const sizeBefore = this.content.length;
    const old = this.content.subarray(length);
    const position = this.#append(1, { offset: length, length: old.length, sizeBefore, sizeAfter: length }, old);
    const content = Buffer.alloc(length);
    content.set(this.content.subarray(0, length));
    this.content = content;
    return position;
  }

  sync(file = FILE, position = this.log.length): void {
    this.#append(2, { offset: position }, Buffer.alloc(0), file);
  }

  landed(position: number): void {
    this.#append(3, { offset: position }, Buffer.alloc(0));
  }

  unknown(text: string): void {
    this.#append(4, {}, Buffer.from(text));
  }

  /** What the file has after the power cut. */
  cut(survivors: (count: number) => number): string {
    const { files } = planPowerCut(this.log, survivors);
    let content = Buffer.from(this.content);
    for (const { file, restorations, size } of files) {
      expect(file).toBe(FILE);
      for (const { offset, bytes, length } of restorations) {
        const whole = Buffer.alloc(Math.max(content.length, offset + length));
        whole.set(content);
        whole.fill(0, offset, offset + length);
        whole.set(bytes, offset);
        content = whole;
      }
      const resized = Buffer.alloc(size);
      resized.set(content.subarray(0, size));
      content = resized;
    }
    return content.toString();
  }

  #append(
    kind: number,
    fields: { offset?: number; length?: number; sizeBefore?: number; sizeAfter?: number },
    bytes: Uint8Array,
    file = FILE,
  ): number {
    const { offset = 0, length = 0, sizeBefore = 0, sizeAfter = 0 } = fields;
    const record = Buffer.alloc(56);
    const isLittle = endianness() === 'LE';
    [kind, file, offset, length, sizeBefore, sizeAfter, bytes.length].forEach((field, i) => {
      new DataView(record.buffer, record.byteOffset).setBigUint64(i * 8, BigInt(field), isLittle);
    });
    const position = this.log.length;
    this.log = Buffer.concat([this.log, record, bytes]);
    return position;
  }
}

const ALL_LOST = (): number => 0;
const ALL_SURVIVE = (count: number): number => count;

let recording: Recording;

beforeEach(() => {
  recording = new Recording('old content');
});

describe('after a power cut', () => {
  it('nothing is different when nothing was written', () => {
    expect(planPowerCut(recording.log, ALL_LOST)).toEqual({ files: [], pending: 0, unknown: [] });
  });

  it('what was not synced is gone', () => {
    recording.write(0, 'new');
    recording.write(8, 'end, and more');
    expect(recording.cut(ALL_LOST)).toBe('old content');
    expect(planPowerCut(recording.log, ALL_LOST).pending).toBe(2);
  });

  it('what was synced is there', () => {
    recording.write(0, 'new');
    recording.sync();
    recording.write(4, 'matters');
    expect(recording.cut(ALL_LOST)).toBe('new content');
    expect(planPowerCut(recording.log, ALL_LOST).pending).toBe(1);
  });

  it('what was written while it was being synced is not there', () => {
    recording.write(0, 'new');
    const begun = recording.log.length;
    recording.write(4, 'matters');
    recording.sync(FILE, begun);
    expect(recording.cut(ALL_LOST)).toBe('new content');
  });

  it('another file that was synced does not matter, all files that were do', () => {
    recording.write(0, 'new');
    recording.sync(8n);
    expect(recording.cut(ALL_LOST)).toBe('old content');
    recording.sync(0n);
    expect(recording.cut(ALL_LOST)).toBe('new content');
  });

  it('a change that is durable by itself is there, others before it are not', () => {
    recording.write(600, 'far away');
    recording.landed(recording.write(0, 'new'));
    recording.write(600, 'FAR');
    expect(recording.cut(ALL_LOST)).toBe('new content');
  });

  it('what lies below a change that is durable by itself is durable, too', () => {
    recording.write(0, 'NEW');
    recording.landed(recording.write(4, 'matters'));
    recording.write(0, '???');
    expect(recording.cut(ALL_LOST)).toBe('NEW matters');
  });

  it('a file has the length that it had', () => {
    recording.truncate(3);
    recording.write(3, ' and new');
    recording.truncate(100);
    expect(recording.cut(ALL_LOST)).toBe('old content');
  });

  it('a file that was empty is empty', () => {
    recording = new Recording();
    recording.write(0, 'new');
    expect(recording.cut(ALL_LOST)).toBe('');
  });

  it('all can be there all the same', () => {
    recording.write(0, 'new');
    recording.truncate(5);
    expect(recording.cut(ALL_SURVIVE)).toBe('new c');
  });

  it('the first changes of a place can be there without the later ones', () => {
    recording.write(0, 'one');
    recording.write(0, 'two');
    recording.write(0, 'six');
    const found = [0, 1, 2, 3].map((count) => recording.cut(() => count).slice(0, 3));
    expect(found).toEqual(['old', 'one', 'two', 'six']);
  });

  it('sectors are there or not, each by itself, and zeros where a file grew', () => {
    recording = new Recording('-'.repeat(512));
    recording.write(510, 'abcd');
    const counts = [1, 0, 1];
    expect(recording.cut(() => counts.shift() ?? 0)).toBe(`${'-'.repeat(510)}ab\0\0`);
  });

  it('a change whose record is torn has not happened', () => {
    recording.write(0, 'new');
    recording.sync();
    const { length } = recording.log;
    recording.write(4, 'matters');
    for (let torn = length; torn < recording.log.length; torn++) {
      expect(planPowerCut(recording.log.subarray(0, torn), ALL_LOST).pending).toBe(0);
    }
  });

  it('it is said what cannot be taken back', () => {
    recording.unknown('mmap /data');
    recording.unknown('mmap /data');
    expect(planPowerCut(recording.log, ALL_LOST).unknown).toEqual(['mmap /data']);
  });
});
