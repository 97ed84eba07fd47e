import { createInterface } from 'node:readline/promises';
import { SetupError } from './setup-error.js';

/** Who answers what was not said on the command line. */
export interface Questions {
  /** The answer; `byDefault` if there is none. `problemOf` says what is wrong with an answer, and then it is asked again. */
  ask(question: string, byDefault: string, problemOf?: (answer: string) => string | null): Promise<string>;
  close(): void;
}

/** Takes what is proposed: for scripts. */
export const defaultAnswers: Questions = {
  ask: (_question, byDefault) => Promise.resolve(byDefault),
  close: () => {},
};

/** Asks at the terminal. What is asked rejects with SetupError when the person has had enough (Ctrl-C, Ctrl-D). */
export function questionsAt(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Questions {
  const terminal = createInterface({ input, output });
  const end = new AbortController();
  terminal.once('close', () => end.abort());
  const answerTo = async (question: string): Promise<string> => {
    try {
      return await terminal.question(question, { signal: end.signal });
    } catch (error) {
      if (!end.signal.aborted) throw error;
      throw new SetupError('Nothing was done.', { cause: error });
    }
  };
  return {
    async ask(question, byDefault, problemOf = () => null) {
      for (;;) {
        const shown = byDefault === '' ? '' : ` [${byDefault}]`;
        const answer = (await answerTo(`${question}${shown}: `)).trim() || byDefault;
        const problem = problemOf(answer);
        if (problem === null) return answer;
        output.write(`${problem}\n`);
      }
    },
    close: () => terminal.close(),
  };
}
