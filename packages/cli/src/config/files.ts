import { styleText } from 'node:util';
import { ConfigError, type ConfigReading, readConfigFile, readConfigFrom } from '@cauldron/broker';
import { UsageError } from '../command-line/arguments.js';

/** Those of `cauldron broker`, and the 1 of diff. */
export const CONFIG_EXIT = { GOOD: 0, DIFFERENT: 1, WRONG: 3 } as const;

/** Reads a configuration for looking at it. What is wrong with it goes to stderr, and then there is none. */
export function readForLooking(file: string): ConfigReading | null {
  try {
    return readConfigFrom(readConfigFile(file));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) process.stderr.write(`Error: ${problem}\n`);
    return null;
  }
}

/** The operands, as many as `names`. @throws UsageError */
export function operandsFor(names: readonly string[], operands: readonly string[]): readonly string[] {
  if (operands.length > names.length) throw new UsageError(`'${operands[names.length]}' is too much.`);
  if (operands.length < names.length) throw new UsageError(`${names.slice(operands.length).join(' and ')} is missing.`);
  return operands;
}

/** Text in a colour, on a terminal whose owner has nothing against it; elsewhere the text alone. */
export function inColour(colour: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string): string {
  return process.stdout.isTTY && process.env.NO_COLOR === undefined ? styleText(colour, text) : text;
}
