import { EventEmitter } from 'node:events';
import { PasswordRefused } from '@cauldron/broker/passwords';
import { describe, expect, it } from 'vitest';
import { PasswordPrompt, PromptCancelled } from './password-prompt.js';

class Input extends EventEmitter {
  readonly isTTY: boolean;
  readonly modes: boolean[] = [];
  isPaused = false;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  setRawMode(isRaw: boolean): void {
    this.modes.push(isRaw);
  }

  pause(): void {
    this.isPaused = true;
  }
}

/** What comes of these pieces of input; `null` is their end. */
async function typed(isTTY: boolean, ...pieces: readonly (string | Uint8Array | null)[]) {
  const input = new Input(isTTY);
  let shown = '';
  const prompt = new PasswordPrompt(input, (text) => {
    shown += text;
  });
  const answer = prompt.askTwice().then(
    (password) => password?.toString() ?? null,
    (error: unknown) => error,
  );
  for (const piece of pieces) {
    if (piece === null) input.emit('end');
    else input.emit('data', Buffer.from(piece));
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return { answer: await answer, shown, input };
}

describe('the prompt for a password', () => {
  it('asks twice, without showing what is typed, and leaves the terminal as it was', async () => {
    const { answer, shown, input } = await typed(true, 'gehe', 'im\r', 'geheim\r');
    expect(answer).toBe('geheim');
    expect(shown).toBe('Password: \nReenter password: \n');
    expect(input.modes).toEqual([true, false]);
    expect(input.isPaused).toBe(true);
  });

  it.each([
    ['the last character, whole', 'a\u00e4\u007fb\r'],
    ['the last character, with the other key', 'abc\b\r'],
    ['the line', 'xyz\u0015ab\r'],
    ['nothing, where there is nothing', '\u007fab\r'],
  ])('lets the person take back %s', async (_, keys) => {
    expect((await typed(true, keys, 'ab\r')).answer).toBe('ab');
  });

  it('says when the two differ', async () => {
    expect((await typed(true, 'one\rtwo\r')).answer).toBeNull();
  });

  it.each([
    ['Ctrl-C', ['secret\u0003']],
    ['Ctrl-C, the second time', ['secret\r', '\u0003']],
  ])('ends with %s, and leaves the terminal as it was', async (_, keys) => {
    const { answer, input } = await typed(true, ...keys);
    expect(answer).toBeInstanceOf(PromptCancelled);
    expect(input.modes).toEqual([true, false]);
  });

  it.each([
    ['an empty line', true, ['\r']],
    ['Ctrl-D at the beginning', true, ['\u0004']],
    ['an empty pipe', false, [null]],
    ['a pipe with one line', false, ['secret\n', null]],
    ['a pipe with an empty second line', false, ['secret\n\n', null]],
  ])('takes %s for no password', async (_, isTTY, pieces) => {
    expect((await typed(isTTY, ...pieces)).answer).toBeInstanceOf(PasswordRefused);
  });

  it('takes two lines from a pipe, byte for byte, with whatever end of line', async () => {
    expect((await typed(false, 'a b\u007f\u0003\r\na b\u007f\u0003', null)).answer).toBe('a b\u007f\u0003');
    const { input } = await typed(false, 'x\nx\n');
    expect(input.modes).toEqual([]);
  });
});
