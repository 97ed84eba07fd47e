import { spawn } from 'node:child_process';

/** Tells a process that it is the one in the background. */
const MARK = 'CAULDRON_IN_BACKGROUND';

/** What the process in the background says to the one that started it, once. */
type Report = { readonly kind: 'running' } | { readonly kind: 'failed'; readonly text: string };

/**
 * Starts this program again in the background, with the same arguments, and waits until it runs.
 * @returns null; or, when it has ended before, why, in words for a person
 */
export function startInBackground(): Promise<string | null> {
  const [, program, ...argv] = process.argv;
  const child = spawn(process.execPath, [...process.execArgv, program, ...argv], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  });
  return new Promise((resolve) => {
    let why: string | null = null;
    child.on('message', (report: Report) => {
      if (report.kind === 'failed') {
        why = report.text;
        return;
      }
      child.disconnect();
      child.unref();
      resolve(null);
    });
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      resolve(why ?? `The broker ended ${how} before it was running. Without -d it shows what it does.`);
    });
  });
}

/** The other end, in the background. */
export interface BackgroundReport {
  running(): void;
  failed(text: string): void;
}

/** Null: this process was started as usual. To be called once, at the beginning. */
export function backgroundReport(environment: NodeJS.ProcessEnv): BackgroundReport | null {
  const isMarked = environment[MARK] !== undefined;
  delete environment[MARK];
  if (!isMarked || process.send === undefined) return null;
  const tell = (report: Report): void => {
    if (process.connected) process.send?.(report);
  };
  // Not a listener for 'disconnect': with one, the channel would keep the process from ending.
  process.on('uncaughtExceptionMonitor', (error) => tell({ kind: 'failed', text: error.stack ?? error.message }));
  return {
    running: () => tell({ kind: 'running' }),
    failed: (text) => tell({ kind: 'failed', text }),
  };
}
