import { UsageError, type Values } from '../command-line/arguments.js';
import type { BatchedOutput } from '../command-line/batched-output.js';
import { decoderOf, type PayloadDecoder } from '../decode/payload-decoder.js';
import { formatOf } from '../format/format.js';
import { DecodedPrinter, FormatPrinter } from './format-printer.js';
import type { Printer } from './printer.js';
import type { SUB_FLAGS } from './sub-flags.js';

type SubValues = Values<typeof SUB_FLAGS>;

/** Where the messages go. */
export interface Screen {
  readonly output: BatchedOutput;
  /** Whether a person sees the output at once. */
  readonly isTerminal: boolean;
  /** Takes a line for standard error. */
  readonly complain: (text: string) => void;
  /** How the broker is called. */
  readonly host: string;
  /** Called when the person has had enough. */
  readonly onQuit: () => void;
}

/** Ways of showing messages of which only one can be. */
const WAYS = {
  tree: '--tree',
  watch: '--watch',
  countTopics: '--count',
  stats: '--stats',
  messageRate: '--message-rate',
} as const;

/**
 * What the flags ask for. What is needed for that alone is loaded now.
 * @throws (rejects) UsageError for flags that do not go together, a format or a decoder that there is not
 */
export async function printerOf(values: SubValues, screen: Screen): Promise<Printer> {
  const { output, host } = screen;
  const ways = Object.entries(WAYS).filter(([key]) => values[key as keyof typeof WAYS]);
  if (ways.length > 1) throw new UsageError(`${ways.map(([, flag]) => flag).join(' and ')} cannot be used together`);
  if (values.countTopics) return new (await import('./count-printer.js')).CountPrinter(output);
  if (values.stats) return new (await import('./statistics-printer.js')).StatisticsPrinter(output);
  if (values.tree) return treePrinterOf(values, screen);
  if (values.messageRate) return new (await import('./rate-printer.js')).RatePrinter(output);
  // The recording is what the output is for.
  if (values.record === '-') return { message: () => {} };
  const lines = await linePrinterOf(values, screen);
  return values.watch ? new (await import('./watch-printer.js')).WatchPrinter(output, lines, `Broker: ${host}`) : lines;
}

async function treePrinterOf(values: SubValues, { isTerminal, host, onQuit }: Screen): Promise<Printer> {
  if (!isTerminal) throw new UsageError('--tree needs a terminal: its output is no lines of text');
  const { TreePrinter } = await import('./tree-printer.js');
  const hasColors = coloursOf(values, isTerminal);
  return new TreePrinter({ title: host, decoder: await decoderFor(values), hasColors, onQuit });
}

async function linePrinterOf(values: SubValues, { output, isTerminal, complain }: Screen): Promise<Printer> {
  const { format, verbose: isVerbose = false, noNewline: hasNoLineEnd = false, pretty: isPretty = false } = values;
  const hasColours = coloursOf(values, isTerminal);
  const decoder = await decoderFor(values);
  if (format === undefined && (isTerminal || hasColours)) {
    const { TerminalPrinter } = await import('./terminal-printer.js');
    return new TerminalPrinter(output, { isTerminal, hasColours, isVerbose, hasNoLineEnd }, decoder);
  }
  const compiled = formatOf({ format, isVerbose, hasNoLineEnd, isPretty, complain });
  return decoder === null ? new FormatPrinter(output, compiled) : new DecodedPrinter(output, compiled, decoder);
}

/** https://no-color.org */
function coloursOf({ color = 'auto' }: SubValues, isTerminal: boolean): boolean {
  const { NO_COLOR, TERM } = process.env;
  return color === 'always' || (color === 'auto' && isTerminal && !NO_COLOR && TERM !== 'dumb');
}

function decoderFor({ decode, pretty }: SubValues): Promise<PayloadDecoder | null> {
  if (decode === undefined) return Promise.resolve(null);
  if (decode.length > 1) throw new UsageError('--decode can be given once');
  const [[name, file]] = decode;
  return decoderOf(name, file, { indent: pretty ? 2 : 0 });
}
