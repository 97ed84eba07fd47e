import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from '../../support/running-program.js';

const HOST = fileURLToPath(new URL('host.js', import.meta.url));

/** A node of a flow, as Node-RED exports it. */
export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly [property: string]: unknown;
}

/** What a `line out` node printed. */
export interface Line {
  readonly from: string;
  readonly [property: string]: unknown;
}

/** Node-RED in a process of its own, with flows in which `line in` and `line out` nodes talk to the test. */
export class NodeRed {
  readonly #program: RunningProgram;
  readonly #folder: string;
  readonly #output: AsyncIterator<string>;
  /** Read, and not asked for yet. */
  readonly #lines: Line[] = [];

  private constructor(program: RunningProgram, output: Readable, folder: string) {
    this.#program = program;
    this.#folder = folder;
    this.#output = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  /** Resolves when its flows run; their connections may be on their way yet. */
  static async start(flows: readonly FlowNode[]): Promise<NodeRed> {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-node-red-'));
    writeFileSync(join(folder, 'flows.json'), JSON.stringify(flows));
    const program = new RunningProgram(process.execPath, [HOST, folder]);
    const { stdout } = program.process;
    if (stdout === null) throw new Error('Node-RED has no output');
    const nodeRed = new NodeRed(program, stdout, folder);
    await nodeRed.next('host');
    return nodeRed;
  }

  /** Lets the `line in` node of that name send a message. */
  send(to: string, message: Readonly<Record<string, unknown>>): void {
    this.#program.process.stdin?.write(`${JSON.stringify({ to, ...message })}\n`);
  }

  /**
   * The next line from the `line out` node of that name, or the next that `isWanted`; lines of others stay for later.
   * @throws (rejects) Error when Node-RED ends before
   */
  async next(from: string, isWanted: (line: Line) => boolean = () => true): Promise<Line> {
    for (;;) {
      const at = this.#lines.findIndex((line) => line.from === from && isWanted(line));
      if (at >= 0) return this.#lines.splice(at, 1)[0];
      const { value, done } = await this.#output.next();
      if (done) throw new Error(`Node-RED ended: ${this.#program.shown}`);
      this.#lines.push(JSON.parse(value));
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await this.#program.stop(signal);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
