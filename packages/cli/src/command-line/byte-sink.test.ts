import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteSink } from './byte-sink.js';

describe('ByteSink', () => {
  it('has what was written, in its order, whatever it was and however much', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }),
      fc.uint8Array({ maxLength: 3_000 }),
      fc.integer({ min: 0, max: 255 }),
      fc.record({ byte: fc.integer({ min: 0, max: 255 }), count: fc.integer({ min: -2, max: 3_000 }) }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const sink = new ByteSink();
        const expected = parts.map((one) => {
          if (typeof one === 'string') {
            sink.text(one);
            return Buffer.from(one);
          }
          if (typeof one === 'number') {
            sink.byte(one);
            return Buffer.of(one);
          }
          if (one instanceof Uint8Array) {
            sink.bytes(one);
            return one;
          }
          sink.fill(one.byte, one.count);
          return Buffer.alloc(Math.max(0, one.count), one.byte);
        });
        expect(Buffer.from(sink.view()).equals(Buffer.concat(expected))).toBe(true);
      }),
    );
  });

  it('writes over what was written when its length is set back', () => {
    const sink = new ByteSink();
    sink.text('first');
    sink.length = 0;
    sink.text('no');
    expect(Buffer.from(sink.view()).toString()).toBe('no');
  });
});
