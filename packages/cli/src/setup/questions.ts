import { createInterface } from 'node:readline/promises';

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

/** Asks at the terminal. */
export function questionsAt(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Questions {
  const terminal = createInterface({ input, output });
  return {
    async ask(question, byDefault, problemOf = () => null) {
      for (;;) {
        const shown = byDefault === '' ? '' : ` [${byDefault}]`;
        const answer = (await terminal.question(`${question}${shown}: `)).trim() || byDefault;
        const problem = problemOf(answer);
        if (problem === null) return answer;
        output.write(`${problem}\n`);
      }
    },
    close: () => terminal.close(),
  };
}
