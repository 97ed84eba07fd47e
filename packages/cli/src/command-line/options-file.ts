import { readFileSync } from 'node:fs';
import { type FlagTable, parseArguments, UsageError } from './arguments.js';

/**
 * The options of a file as they would stand on a command line. Each line has a flag and, behind a blank, its argument, which
 * goes on to the end of the line: nothing needs quotes. Lines that begin with `#` are comments.
 * @throws UsageError that names file and line
 */
export function readOptionsFile(flags: FlagTable, path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`The options file cannot be read: ${(error as Error).message}`);
  }
  return text.split('\n').flatMap((line, i) => {
    const argv = wordsOf(flags, line.replace(/\r$/, ''));
    try {
      parseArguments(flags, argv);
    } catch (error) {
      if (error instanceof UsageError) throw new UsageError(`${path}:${i + 1}: ${error.message}`);
      throw error;
    }
    return argv;
  });
}

function wordsOf(flags: FlagTable, line: string): string[] {
  if (line.startsWith('#') || line.trim() === '') return [];
  const [name, rest] = cut(line.trimStart());
  if (rest === '') return [name];
  const flag = Object.values(flags).find(({ short, long }) => short === name || long === name);
  if (flag?.kind !== 'group') return [name, rest];
  // Several arguments: the last one has the rest of the line.
  const words = rest.split(' ');
  const count = flag.arity(words);
  return [name, ...words.slice(0, count - 1), words.slice(count - 1).join(' ')];
}

/** At the first blanks. */
function cut(line: string): [string, string] {
  const match = /^(\S+)[ \t]+(.*)$/s.exec(line);
  return match === null ? [line.trimEnd(), ''] : [match[1], match[2]];
}
