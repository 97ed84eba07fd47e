export { runCommand, runMosquittoProgram } from './commands.js';

/** See `man.ts`, which is loaded when it is asked for: commands start without it. */
export async function manualPages(): Promise<Map<string, string>> {
  return (await import('./man.js')).manualPages();
}
