import { createInterface } from 'node:readline';
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
  // Kept until it is asked for: several lines may be pasted at once.
  const lines: string[] = [];
  let isOver = false;
  let wake = (): void => {};
  terminal.on('line', (line) => {
    lines.push(line);
    wake();
  });
  terminal.once('close', () => {
    isOver = true;
    wake();
  });
  const answerTo = async (question: string): Promise<string> => {
    terminal.setPrompt(question);
    terminal.prompt();
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) return line;
      if (isOver) throw new SetupError('Nothing was done.');
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
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
