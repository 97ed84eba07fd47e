import type { PrintedMessage } from '../format/printed-message.js';
import { TreeScreen, type TreeScreenOptions } from '../tree/tree-screen.js';
import type { Printer } from './printer.js';

/** The topics as a live tree on the whole terminal. */
export class TreePrinter implements Printer {
  readonly ownsTerminal = true;
  readonly #screen: TreeScreen;

  constructor(options: Omit<TreeScreenOptions, 'input' | 'output'>) {
    this.#screen = new TreeScreen({ ...options, input: process.stdin, output: process.stdout });
  }

  begin(): void {
    this.#screen.start();
  }

  message(message: PrintedMessage): void {
    this.#screen.message(message);
  }

  end(): void {
    this.#screen.stop();
  }
}
