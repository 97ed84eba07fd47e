import type { ReadStream, WriteStream } from 'node:tty';
import { LiveTree, type LiveTreeOptions } from './live-tree.js';
import type { TreeMessage } from './topic-node.js';

export interface TreeScreenOptions extends LiveTreeOptions {
  /** Terminals. */
  readonly input: ReadStream;
  readonly output: WriteStream;
  /** Called when the person has had enough (q, Ctrl-C). `stop` is left to the caller. */
  readonly onQuit: () => void;
}

/** Ten pictures a second at most; and one a second when nothing comes, since rates go down. */
const REDRAW_MS = 100;
const IDLE_REDRAW_MS = 1_000;

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/** A tree of topics on a terminal, which is as it was before when it stops. */
export class TreeScreen {
  readonly #tree: LiveTree;
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #onQuit: () => void;
  /** What the terminal shows: only lines that differ are written. */
  #shown: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #wasRaw = false;

  constructor(options: TreeScreenOptions) {
    this.#tree = new LiveTree(options);
    this.#input = options.input;
    this.#output = options.output;
    this.#onQuit = options.onQuit;
  }

  start(): void {
    this.#output.write(ENTER);
    process.on('exit', this.#leave);
    this.#output.on('resize', this.#resized);
    if (this.#input.isTTY) {
      this.#wasRaw = this.#input.isRaw;
      this.#input.setRawMode(true);
      this.#input.on('data', this.#pressed);
      this.#input.resume();
    }
    this.#idleTimer = setInterval(this.#draw, IDLE_REDRAW_MS);
    this.#draw();
  }

  message(message: TreeMessage): void {
    this.#tree.message(message, performance.now());
    this.#changed();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#idleTimer === null) return;
    clearInterval(this.#idleTimer);
    this.#idleTimer = null;
    this.#output.off('resize', this.#resized);
    if (this.#input.isTTY) {
      this.#input.off('data', this.#pressed);
      this.#input.setRawMode(this.#wasRaw);
      this.#input.pause();
    }
    process.off('exit', this.#leave);
    this.#leave();
  }

  readonly #leave = (): void => {
    this.#output.write(LEAVE);
  };

  #changed(): void {
    this.#timer ??= setTimeout(this.#draw, REDRAW_MS);
  }

  readonly #resized = (): void => {
    this.#shown = [];
    this.#output.write('\u001b[2J');
    this.#draw();
  };

  readonly #draw = (): void => {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    // A slow line gets fewer pictures.
    if (this.#output.writableNeedDrain) return;
    const { columns = 80, rows = 24 } = this.#output;
    const lines = this.#tree.render(columns, rows, performance.now());
    let changes = '';
    lines.forEach((line, row) => {
      if (line !== this.#shown[row]) changes += `\u001b[${row + 1};1H${line}\u001b[K`;
    });
    this.#shown = lines;
    if (changes !== '') this.#output.write(changes);
  };

  readonly #pressed = (bytes: Uint8Array): void => {
    for (const key of Buffer.from(bytes).toString().match(KEY) ?? []) this.#press(key);
  };

  #press(key: string): void {
    if (key === 'q' || key === 'Q' || key === '\u0003') {
      this.#onQuit();
      return;
    }
    const page = Math.max(1, (this.#output.rows ?? 24) - 4);
    const actions: Readonly<Record<string, () => void>> = {
      '\u001b[A': () => this.#tree.move(-1),
      k: () => this.#tree.move(-1),
      '\u001b[B': () => this.#tree.move(1),
      j: () => this.#tree.move(1),
      '\u001b[5~': () => this.#tree.move(-page),
      '\u001b[6~': () => this.#tree.move(page),
      ' ': () => this.#tree.move(page),
      '\u001b[H': () => this.#tree.move(Number.NEGATIVE_INFINITY),
      g: () => this.#tree.move(Number.NEGATIVE_INFINITY),
      '\u001b[F': () => this.#tree.move(Number.POSITIVE_INFINITY),
      G: () => this.#tree.move(Number.POSITIVE_INFINITY),
      '\u001b[D': () => this.#tree.fold(),
      h: () => this.#tree.fold(),
      '\u001b[C': () => this.#tree.unfold(),
      l: () => this.#tree.unfold(),
      '\r': () => this.#tree.toggle(),
    };
    actions[key.replace('\u001bO', '\u001b[')]?.();
    this.#draw();
  }
}

// A key is a character, or a sequence that begins with ESC.
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how keys come
const KEY = /\u001b(?:[[O][\d;]*[A-Za-z~])?|[^\u001b]/g;
