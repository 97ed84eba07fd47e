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
    expect([queue.peek(), queue.shift(), queue.length, queue.bytes]).toEqual([undefined, undefined, 0, 0]);
    expect(queue.removeWhere(() => true)).toBe(0);
  });

  it('gives messages back in the order in which they came', () => {
    const queue = new MessageQueue<Message>();
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    for (const number of numbers) queue.push(message(number));
    expect(queue.peek()?.number).toBe(0);
    expect(drain(queue)).toEqual(numbers);
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
  });

  it('counts the bytes of what is in it', () => {
    const queue = new MessageQueue<Message>();
    for (const bytes of [10, 20, 30]) queue.push({ number: 0, bytes });
    expect(queue.bytes).toBe(60);
    queue.shift();
    expect(queue.bytes).toBe(50);
    queue.removeWhere((each) => each.bytes === 30);
    expect(queue.bytes).toBe(20);
    queue.clear();
    expect([queue.bytes, queue.length, queue.peek()]).toEqual([0, 0, undefined]);
  });

  it('asks once for each message, oldest first, when some are removed', () => {
    const queue = new MessageQueue<Message>();
    for (let i = 0; i < 20; i++) queue.push(message(i));
    for (let i = 0; i < 10; i++) queue.shift();
    for (let i = 20; i < 26; i++) queue.push(message(i));
    const asked: number[] = [];
    const removed = queue.removeWhere(({ number }) => {
      asked.push(number);
      return number % 2 === 0;
    });
    expect(asked).toEqual(Array.from({ length: 16 }, (_, i) => i + 10));
    expect(removed).toBe(8);
    expect(drain(queue)).toEqual([11, 13, 15, 17, 19, 21, 23, 25]);
  });

  it('agrees with an array after any use', () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('push' as const), count: fc.nat(70) }),
      fc.record({ kind: fc.constant('shift' as const), count: fc.nat(70) }),
      fc.record({ kind: fc.constant('remove' as const), divisor: fc.integer({ min: 1, max: 5 }), keep: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
        const queue = new MessageQueue<Message>();
        let expected: Message[] = [];
        let number = 0;
        for (const step of commands) {
          if (step.kind === 'push') {
            for (let i = 0; i < step.count; i++) {
              const pushed = message(number++);
              queue.push(pushed);
              expected.push(pushed);
            }
          } else if (step.kind === 'shift') {
            for (let i = 0; i < step.count; i++) expect(queue.shift()).toBe(expected.shift());
          } else {
            const goes = (each: Message): boolean => (each.number % step.divisor === 0) !== step.keep;
            const rest = expected.filter((each) => !goes(each));
            expect(queue.removeWhere(goes)).toBe(expected.length - rest.length);
            expected = rest;
          }
          expect(queue.length).toBe(expected.length);
          expect(queue.bytes).toBe(expected.reduce((sum, each) => sum + each.bytes, 0));
          expect(queue.peek()).toBe(expected[0]);
        }
        expect(drain(queue)).toEqual(expected.map((each) => each.number));
      }),
    );
  });
});
