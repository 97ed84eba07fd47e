import { afterEach, describe, expect, it } from 'vitest';
import { plainMessage } from '../../../../../test/contract/store-model.js';
import { newPath } from '../lmdb-store.test-support.js';
import { copyOf, Environment } from './environment.js';
import { bringUpToDate, FORMAT_VERSION, FormatError, formatOf, type Migration, readPositions } from './format.js';
import { readerOf, readMessage } from './records.js';

const KEY = Buffer.from('steps');
let environment: Environment;

function open(path = newPath()): Environment {
  environment = new Environment({ path, readOnly: false, noSync: true });
  return environment;
}

afterEach(() => environment.close());

function stepsOf(from: Environment): string {
  return Buffer.from(copyOf(from.get('meta', KEY) ?? new Uint8Array(0))).toString();
}

/** Adds a letter. */
const adding =
  (letter: string): Migration =>
  (from, batch) =>
    batch.put('meta', KEY, Buffer.from(stepsOf(from) + letter));

describe('the format of a file', () => {
  it('is the present one when the file is new; nothing is migrated', () => {
    expect(formatOf(open())).toBeNull();
    expect(bringUpToDate(environment)).toBeNull();
    expect(formatOf(environment)).toBe(FORMAT_VERSION);
    expect(bringUpToDate(environment)).toBe(FORMAT_VERSION);
    expect(readPositions(undefined)).toEqual(new Array(32).fill(0));
  });

  it('is brought up to date step by step, once', () => {
    open();
    bringUpToDate(environment, 2, []);
    const migrations = [adding('x'), adding('b'), adding('c')];
    expect(bringUpToDate(environment, 4, migrations)).toBe(2);
    expect([formatOf(environment), stepsOf(environment)]).toEqual([4, 'bc']);
    expect(bringUpToDate(environment, 4, migrations)).toBe(4);
    expect(stepsOf(environment)).toBe('bc');
  });

  it('is that of the last step which was done, if the next one fails', async () => {
    const path = newPath();
    open(path);
    bringUpToDate(environment, 1, []);
    const failing: Migration = (from, batch) => {
      adding('b')(from, batch);
      throw new Error('no power');
    };
    expect(() => bringUpToDate(environment, 3, [adding('a'), failing])).toThrow('no power');
    await environment.close();
    open(path);
    expect([formatOf(environment), stepsOf(environment)]).toEqual([2, 'a']);
    bringUpToDate(environment, 3, [adding('a'), adding('b')]);
    expect([formatOf(environment), stepsOf(environment)]).toEqual([3, 'ab']);
  });

  it('has messages with a source since version 2: those of version 1 are read, and have none', () => {
    open();
    bringUpToDate(environment, 1, []);
    // A retained message as version 1 wrote it: flags, topic, publisher, payload.
    const value = Buffer.from([0b101, 0, 1, 97, 0, 1, 98, 120]);
    const key = Buffer.from('a');
    environment.commitNow((batch) => batch.put('retained', key, value));
    expect(bringUpToDate(environment)).toBe(1);
    const message = readMessage(readerOf(environment.get('retained', key) ?? new Uint8Array(0), 'a message'));
    expect(plainMessage(message)).toMatchObject({ topic: 'a', publisher: 'b', qos: 1, payload: '78', source: null });
  });

  it('is an error when it is a later one, and the file is left alone', () => {
    open();
    bringUpToDate(environment, 7, []);
    expect(() => bringUpToDate(environment)).toThrow(FormatError);
    expect(() => bringUpToDate(environment)).toThrow('it has format version 7; this program knows up to 2');
    expect(formatOf(environment)).toBe(7);
  });
});
