import { connect } from 'node:net';
import { type ControlSocket, findControlSockets, isAlive } from './control-folder.js';
import { type ControlAnswer, type ControlRequest, type ControlResult, LineReader } from './control-protocol.js';

/** The broker was asked, and did not do it. */
export class ControlRefused extends Error {
  override readonly name = 'ControlRefused';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** The broker could not be asked. */
export class ControlUnreachable extends Error {
  override readonly name = 'ControlUnreachable';
}

/** The brokers of this user that run, for root those of everybody, by process id. */
export function runningBrokers(environment: NodeJS.ProcessEnv = process.env): ControlSocket[] {
  return findControlSockets(process.geteuid?.() ?? -1, environment)
    .filter(({ pid }) => isAlive(pid))
    .sort((one, other) => one.pid - other.pid);
}

/**
 * Asks a broker for something. Resolves with what it found out. `onLine` gets the lines that it says ahead of that; while
 * what it returns is pending, no more are taken.
 * @throws (rejects) ControlRefused, or ControlUnreachable when the broker is gone or says something else
 */
export function askBroker(
  path: string,
  request: ControlRequest,
  onLine: (line: string) => Promise<void> | void = () => {},
): Promise<ControlResult> {
  return new Promise((resolve, reject) => {
    const reader = new LineReader();
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`));
    const fail = (error: Error): void => {
      reject(error);
      socket.destroy();
    };
    const take = async (bytes: Buffer): Promise<void> => {
      socket.pause();
      for (const line of reader.push(bytes)) {
        const answer = answerFrom(line);
        if ('line' in answer) await onLine(answer.line);
        else if ('done' in answer) resolve(answer.done);
        else reject(new ControlRefused(answer.problems));
        if (!('line' in answer)) socket.destroy();
      }
      socket.resume();
    };
    socket.on('data', (bytes: Buffer) => void take(bytes).catch(fail));
    socket.on('error', (error) => fail(new ControlUnreachable(error.message)));
    socket.on('close', () => fail(new ControlUnreachable('the broker ended before it had answered')));
  });
}

/** @throws ControlUnreachable */
function answerFrom(line: string): ControlAnswer {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null) {
    if ('line' in value && typeof value.line === 'string') return { line: value.line };
    if ('done' in value && typeof value.done === 'object') return { done: value.done as ControlResult };
    if ('problems' in value && Array.isArray(value.problems)) return { problems: value.problems.map(String) };
  }
  throw new ControlUnreachable('what answers there is no broker');
}
