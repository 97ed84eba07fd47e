import { inColour } from '../config/files.js';
import { AREAS, type Area, type Finding, type Mark } from './finding.js';
import { timeText } from './speed-check.js';
import type { Verdict } from './verdict.js';

const MARKS: Readonly<Record<Mark, string>> = {
  ok: inColour('green', 'ok'),
  note: inColour('dim', 'note'),
  warning: inColour('yellow', 'WARN'),
  failure: inColour('red', 'FAIL'),
};
const MARK_WIDTHS: Readonly<Record<Mark, number>> = { ok: 2, note: 4, warning: 4, failure: 4 };
/** Of the mark, and of the time at the other end of the line. */
const MARK_COLUMN = 6;
const TIME_COLUMN = 9;
const NARROWEST = 50;
const WIDEST = 100;

/** The report for people, line by line. */
export class TextReport {
  readonly #write: (text: string) => void;
  readonly #width: number;
  #area: Area | null = null;

  /** @param columns of the terminal; without one, 80 */
  constructor(write: (text: string) => void, columns = 80) {
    this.#write = write;
    this.#width = Math.min(WIDEST, Math.max(NARROWEST, columns)) - 1;
  }

  begin(url: string): void {
    this.#write(`${inColour('bold', url)}\n`);
  }

  tell({ area, mark, text, timeMs, advice }: Finding): void {
    if (area !== this.#area) this.#write(`\n${inColour('bold', AREAS[area])}\n`);
    this.#area = area;
    const width = this.#width - MARK_COLUMN - TIME_COLUMN;
    const lines = wrapped(text, width);
    lines.forEach((line, at) => {
      const start = at === 0 ? `${MARKS[mark]}${' '.repeat(MARK_COLUMN - MARK_WIDTHS[mark])}` : ' '.repeat(MARK_COLUMN);
      const isLast = at === lines.length - 1;
      const time = isLast && timeMs !== undefined ? timeText(timeMs).padStart(TIME_COLUMN) : '';
      this.#write(`${start}${time === '' ? line : `${line.padEnd(width)}${time}`}\n`);
    });
    if (advice === undefined) return;
    wrapped(advice, this.#width - MARK_COLUMN - 2).forEach((line, at) => {
      this.#write(`${' '.repeat(MARK_COLUMN)}${at === 0 ? '> ' : '  '}${line}\n`);
    });
  }

  end({ text, reasons, exitStatus }: Verdict): void {
    const colour = exitStatus === 0 ? 'green' : exitStatus === 1 ? 'yellow' : 'red';
    const lines = wrapped(text, this.#width);
    this.#write(`\n${lines.map((line) => `${inColour(colour, line)}\n`).join('')}`);
    for (const reason of reasons) {
      const [first, ...others] = wrapped(reason, this.#width - 2);
      this.#write([`- ${first}`, ...others.map((line) => `  ${line}`)].map((line) => `${line}\n`).join(''));
    }
  }
}

/** The report for programs. */
export function reportJson(url: string, findings: readonly Finding[], { exitStatus, text, reasons }: Verdict): string {
  const verdict = { exitStatus, text, reasons };
  return `${JSON.stringify({ url, verdict, findings }, null, 2)}\n`;
}

/** Lines of so many characters, broken between words; a longer word has a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
