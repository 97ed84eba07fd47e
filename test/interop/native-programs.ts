import { type ProgramName, programPath } from '../support/programs.js';
import { RunningProgram } from '../support/running-program.js';

/** Runs a compiler. @throws (rejects) Error with what it says, when it fails */
export async function compile(compiler: ProgramName, argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await new RunningProgram(programPath(compiler), argv).ended;
  if (exitCode !== 0) throw new Error(`${compiler} ended with ${exitCode}: ${stderr}`);
}
