import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageQueue } from './message-queue.js';

interface Message {
  readonly number: number;
  readonly bytes: number;
}

const message = (number: number): Message => ({ number, bytes: number % 7 });

function drain(queue: MessageQueue<Message>): number[] {
  const numbers: number[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) numbers.push(next.number);
  return numbers;
}

describe('MessageQueue', () => {
  it('has nothing to give at first', () => {
    const queue = new MessageQueue<Message>();
    expect([queue.shift(), queue.length, queue.bytes]).toEqual([undefined, 0, 0]);
  });

  it('gives messages back in the order in which they came', () => {
    const queue = new MessageQueue<Message>();
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    for (const number of numbers) queue.push(message(number));
    expect(drain(queue)).toEqual(numbers);
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
  });

  it('counts the bytes of what is in it', () => {
    const queue = new MessageQueue<Message>();
    for (const bytes of [10, 20, 30]) queue.push({ number: 0, bytes });
    expect(queue.bytes).toBe(60);
    queue.shift();
    expect(queue.bytes).toBe(50);
    expect(drain(queue)).toHaveLength(2);
    expect([queue.bytes, queue.length]).toEqual([0, 0]);
  });

  it('agrees with an array after any use', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), count: fc.nat(70) }),
      fc.record({ kind: fc.constant('shift' as const), count: fc.nat(70) }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
        const queue = new MessageQueue<Message>();
        const expected: Message[] = [];
        let number = 0;
        for (const step of commands) {
          if (step.kind === 'push') {
            for (let i = 0; i < step.count; i++) {
              const pushed = message(number++);
              queue.push(pushed);
              expected.push(pushed);
            }
          } else {
            for (let i = 0; i < step.count; i++) expect(queue.shift()).toBe(expected.shift());
          }
          expect(queue.length).toBe(expected.length);
          expect(queue.bytes).toBe(expected.reduce((sum, each) => sum + each.bytes, 0));
        }
        expect(drain(queue)).toEqual(expected.map((each) => each.number));
      }),
    );
  });
});
