import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { defaultAnswers, type Questions, questionsAt } from './questions.js';
import { SetupError } from './setup-error.js';

describe('questions at a terminal', () => {
  /** Somebody who answers one question after the other. */
  function terminal(...answers: readonly string[]): { input: PassThrough; questions: Questions; shown: () => string } {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const left = [...answers];
    let shown = '';
    output.on('data', (bytes: Buffer) => {
      shown += bytes.toString();
      if (shown.endsWith(': ') && left.length > 0) input.write(`${left.shift()}\n`);
    });
    return { input, questions: questionsAt(input, output), shown: () => shown };
  }

  it('show what holds without an answer', async () => {
    const { questions, shown } = terminal('');
    expect(await questions.ask('Kind of keys', 'ecdsa')).toBe('ecdsa');
    expect(shown()).toBe('Kind of keys [ecdsa]: ');
    questions.close();
  });

  it('are asked again until the answer will do', async () => {
    const { questions, shown } = terminal('x', ' 8884 ');
    const problemOf = (answer: string): string | null => (answer === 'x' ? 'No number.' : null);
    expect(await questions.ask('Port', '', problemOf)).toBe('8884');
    expect(shown()).toBe('Port: No number.\nPort: ');
    questions.close();
  });

  it('take several lines at once, as they are pasted', async () => {
    const { input, questions } = terminal();
    input.write('one\ntwo\n');
    expect([await questions.ask('First', ''), await questions.ask('Second', '')]).toEqual(['one', 'two']);
    questions.close();
  });

  it('end all when the input ends', async () => {
    const { input, questions } = terminal();
    const answered = questions.ask('Port', '1883');
    input.end();
    await expect(answered).rejects.toThrow(new SetupError('Nothing was done.'));
  });

  it('are not asked where the defaults are wanted', async () => {
    expect(await defaultAnswers.ask('Port', '1883')).toBe('1883');
  });
});
