import { type EffectiveBlock, type EffectiveOption, effectiveBlocks, shownOrigin } from '@cauldron/broker';
import { type FlagTable, UsageError } from '../command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { CONFIG_EXIT, inColour, operandsFor, readForLooking } from './files.js';

const SHOW_FLAGS = {
  all: {
    long: '--all',
    kind: 'switch',
    doc: 'Every option, also those that nothing was said about. This is the default.',
  },
  changed: { long: '--changed', kind: 'switch', doc: 'Only what a line says.' },
  json: { long: '--json', kind: 'switch', doc: 'For programs: a list of blocks, each with its options.' },
  ...HELP_FLAG,
} as const satisfies FlagTable;

export const SHOW: Tool<typeof SHOW_FLAGS> = {
  name: 'config show',
  summary: `Shows what a configuration comes to: for the broker, each listener, bridge and plugin the value of each option, and
the line that says so. Passwords and keys are not shown. Exit status: 0, or 3 when the configuration is wrong.`,
  usage: 'FILE [--all | --changed] [--json]',
  examples: ['/etc/mosquitto/mosquitto.conf --changed'],
  flags: SHOW_FLAGS,
  usageExitCode: CONFIG_EXIT.WRONG,
};

const HIDDEN = '(not shown)';

/** `cauldron config show`. */
export function runConfigShow(argv: readonly string[]): Promise<number> {
  return runTool(SHOW, argv, async ({ all, changed, json }, operands) => {
    if (all === true && changed === true) throw new UsageError('--all and --changed cannot be given together.');
    const reading = readForLooking(operandsFor(['FILE'], operands)[0]);
    if (reading === null) return CONFIG_EXIT.WRONG;
    const blocks = effectiveBlocks(reading).map((block) => (changed === true ? onlySaid(block) : block));
    process.stdout.write(
      json === true ? `${JSON.stringify(blocks.map(blockJson), null, 2)}\n` : blocks.map(blockText).join('\n'),
    );
    return CONFIG_EXIT.GOOD;
  });
}

/** The block with the options that a line says. */
export function onlySaid(block: EffectiveBlock): EffectiveBlock {
  return { ...block, options: block.options.filter(({ origins }) => origins.length > 0) };
}

/** Values that may be shown to anybody. */
export function shownValues({ values, origins, isSecret }: EffectiveOption): readonly string[] {
  return isSecret && origins.length > 0 ? values.map(() => HIDDEN) : values;
}

function blockText({ title, options }: EffectiveBlock): string {
  const nameWidth = Math.max(0, ...options.map(({ name }) => name.length));
  const valueWidth = Math.min(40, Math.max(0, ...options.flatMap(shownValues).map(({ length }) => length)));
  const lines = options.flatMap((option) =>
    shownValues(option).map((value, index) => {
      const origin = option.origins[index];
      const from = origin === undefined ? inColour('dim', 'default') : shownOrigin(origin);
      return `  ${option.name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${from}\n`;
    }),
  );
  return `${inColour('bold', title)}\n${lines.join('')}`;
}

function blockJson({ kind, title, origin, options }: EffectiveBlock): unknown {
  return {
    kind,
    title,
    origin,
    options: options.map((option) => ({ name: option.name, values: shownValues(option), origins: option.origins })),
  };
}
