import { ConfigError, type ConfigReading, checkConfig, readConfigFile, readConfigFrom } from '@cauldron/broker';
import { HELP_FLAG, runTool, type Tool } from '../command-line/tool.js';
import { countText } from '../command-line/units.js';
import { CONFIG_EXIT, inColour, operandsFor } from './files.js';

export const CHECK: Tool<typeof HELP_FLAG> = {
  name: 'config check',
  summary: `Tells what is wrong with a configuration: in its lines, and in the certificates, keys and other files that they name.
Nothing is opened or changed. Exit status: 0 a broker can start with it, 3 it cannot.`,
  usage: 'FILE',
  examples: ['/etc/mosquitto/mosquitto.conf'],
  flags: HELP_FLAG,
  notes: `
error    the broker does not start with it
warning  the broker starts, and says this in its log
note     what has no effect, or is called otherwise by now
`,
  usageExitCode: CONFIG_EXIT.WRONG,
};

const COLOURS = { error: 'red', warning: 'yellow', note: 'dim' } as const;

/** `cauldron config check`. */
export function runConfigCheck(argv: readonly string[]): Promise<number> {
  return runTool(CHECK, argv, async (_values, operands) => {
    const [file] = operandsFor(['FILE'], operands);
    let reading: ConfigReading;
    try {
      reading = readConfigFrom(readConfigFile(file));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return verdict(error.problems);
    }
    const { problems, warnings } = await checkConfig(reading.config);
    tell('warning', warnings);
    tell('note', reading.draft.notes);
    return verdict(problems);
  });
}

function verdict(problems: readonly string[]): number {
  tell('error', problems);
  const isGood = problems.length === 0;
  const text = isGood
    ? 'The configuration is good.'
    : `${countText(problems.length, 'error')}: a broker cannot start with it.`;
  process.stdout.write(`${inColour(isGood ? 'green' : 'red', text)}\n`);
  return isGood ? CONFIG_EXIT.GOOD : CONFIG_EXIT.WRONG;
}

function tell(kind: keyof typeof COLOURS, lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${inColour(COLOURS[kind], kind.padEnd(8))} ${line}\n`);
}
