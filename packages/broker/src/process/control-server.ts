import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { controlSocketPath, removeStaleSockets } from './control-folder.js';
import { type ControlAnswer, type ControlRequest, type ControlResult, LineReader } from './control-protocol.js';

/** Of programs that ask for something at the same time. */
const MAX_CONNECTIONS = 16;

/** Requests that one connection may send before the first is answered. */
const MAX_WAITING = 16;

/** How long a connection may stand without a request, and an answer without being taken. */
const IDLE_LIMIT_MS = 30_000;

/**
 * One thing that an administrator can ask a running broker for. `say` sends a line ahead of the outcome, and resolves when
 * the next one can be sent; it rejects when nobody listens any more. What a command throws is its outcome: its `problems`
 * if it has some, else its message.
 */
export type ControlCommand = (
  request: ControlRequest,
  say: (line: string) => Promise<void>,
) => Promise<ControlResult> | ControlResult;

/** The commands by name; each part of the broker may add its own. */
export class ControlCommands {
  readonly #commands = new Map<string, ControlCommand>();

  add(name: string, command: ControlCommand): void {
    this.#commands.set(name, command);
  }

  /** @throws (rejects) what the command throws, or an Error if there is no such command */
  async run(request: ControlRequest, say: (line: string) => Promise<void>): Promise<ControlResult> {
    const command = this.#commands.get(request.command);
    if (command !== undefined) return command(request, say);
    const known = [...this.#commands.keys()].sort().join(', ');
    throw new Error(`There is no command '${request.command}' here, only ${known}.`);
  }
}

/** A Unix socket through which the broker's own user and root can ask for things while it runs. */
export class ControlServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(commands: ControlCommands) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      new ControlConnection(socket, commands);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    // It serves a broker that runs; it does not keep one running.
    this.#server.unref();
  }

  /** Listens in a folder that `makeControlFolder` gave. @throws (rejects) the system's error */
  static open(folder: string, commands: ControlCommands): Promise<ControlServer> {
    removeStaleSockets(folder);
    const path = controlSocketPath(folder);
    const control = new ControlServer(commands);
    return new Promise((resolve, reject) => {
      // Later ones are of connections that the system could not take: whoever wanted them hears of it.
      control.#server.on('error', reject);
      control.#server.listen(path, () => {
        chmodSync(path, 0o600);
        resolve(control);
      });
    });
  }

  /** Removes the socket. Answers that are under way get no further. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

class ControlConnection {
  readonly #socket: Socket;
  readonly #commands: ControlCommands;
  readonly #reader = new LineReader();
  readonly #waiting: string[] = [];
  #isBusy = false;

  constructor(socket: Socket, commands: ControlCommands) {
    this.#socket = socket;
    this.#commands = commands;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(IDLE_LIMIT_MS, () => {
      // A command may take its time; a program that takes no answers may not.
      if (!this.#isBusy || socket.writableLength > 0) socket.destroy();
    });
  }

  #read(bytes: Buffer): void {
    try {
      this.#waiting.push(...this.#reader.push(bytes));
    } catch {
      this.#socket.destroy();
      return;
    }
    if (this.#waiting.length > MAX_WAITING) this.#socket.destroy();
    else if (!this.#isBusy) void this.#answerAll();
  }

  async #answerAll(): Promise<void> {
    this.#isBusy = true;
    for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
      const outcome = await this.#outcomeOf(line);
      if (this.#socket.destroyed) return;
      await this.#send(outcome).catch(() => this.#socket.destroy());
    }
    this.#isBusy = false;
  }

  async #outcomeOf(line: string): Promise<ControlAnswer> {
    try {
      return { done: await this.#commands.run(requestFrom(line), (text) => this.#send({ line: text })) };
    } catch (error) {
      return { problems: problemsOf(error) };
    }
  }

  #send(answer: ControlAnswer): Promise<void> {
    const socket = this.#socket;
    if (socket.destroyed) return Promise.reject(new Error('Nobody listens any more'));
    if (socket.write(`${JSON.stringify(answer)}\n`)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onDrain = (): void => {
        socket.off('close', onClose);
        resolve();
      };
      const onClose = (): void => {
        socket.off('drain', onDrain);
        reject(new Error('Nobody listens any more'));
      };
      socket.once('drain', onDrain);
      socket.once('close', onClose);
    });
  }
}

/** @throws Error when it is no request */
function requestFrom(line: string): ControlRequest {
  const value: unknown = JSON.parse(line);
  if (typeof value === 'object' && value !== null && 'command' in value && typeof value.command === 'string') {
    return value as ControlRequest;
  }
  throw new Error('A request is an object with a command.');
}

function problemsOf(error: unknown): readonly string[] {
  if (error instanceof Error && 'problems' in error && Array.isArray(error.problems)) return error.problems.map(String);
  return [error instanceof Error ? error.message : String(error)];
}
