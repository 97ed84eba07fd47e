import { StoreError } from '@cauldron/broker';
import { UsageError } from '../command-line/arguments.js';
import { ImportError } from './import-source.js';
import { StoreFull } from './store-writer.js';

/** A tool could not do what it was asked to. */
export const FAILED = 1;

/**
 * Does the work of a tool. What a person can mend ends it with one line that says so.
 * @returns the exit status of the work, or `failed`
 */
export async function reportingFailures(work: () => Promise<number>, failed = FAILED): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!isExpected(error)) throw error;
    const { message } = error;
    process.stderr.write(`Error: ${message}${/[.!?]$/.test(message) ? '' : '.'}\n`);
    return failed;
  }
}

function isExpected(error: unknown): error is Error {
  if (error instanceof UsageError) return false;
  if (error instanceof StoreError || error instanceof ImportError || error instanceof StoreFull) return true;
  // What the system says about files: ENOENT, EACCES, ENOSPC.
  return error instanceof Error && 'syscall' in error;
}

/** The folder of a store: the one operand that there may be, else the current folder. @throws UsageError */
export function folderOf(operands: readonly string[]): string {
  const [folder = '.', more] = operands;
  if (more !== undefined) throw new UsageError(`One folder is enough: '${more}' is too much.`);
  return folder;
}

/** The one operand that there must be. @throws UsageError */
export function operandOf(operands: readonly string[], what: string): string {
  const [operand, more] = operands;
  if (operand === undefined) throw new UsageError(`${what} is missing.`);
  if (more !== undefined) throw new UsageError(`Only ${what} is taken: '${more}' is too much.`);
  return operand;
}
