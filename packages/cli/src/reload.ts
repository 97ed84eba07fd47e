import type { ControlResult } from '@cauldron/broker/control';
import type { FlagTable } from './command-line/arguments.js';
import { HELP_FLAG, runTool, type Tool } from './command-line/tool.js';
import { askAndShow, chosenBroker, reportingRefusals } from './running-brokers.js';

/** Which broker is meant. */
export const CHOICE_FLAGS = {
  pid: { long: '--pid', kind: 'integer', value: 'N', lowest: 1, highest: 2 ** 31 - 1, doc: 'The process to talk to.' },
  config: {
    short: '-c',
    long: '--config-file',
    kind: 'text',
    value: 'FILE',
    doc: 'The configuration that the broker was started with. Without both, the only broker that runs is meant.',
  },
  ...HELP_FLAG,
} as const satisfies FlagTable;

export const RELOAD: Tool<typeof CHOICE_FLAGS> = {
  name: 'reload',
  summary: `Has a broker that runs read its configuration again, with certificates and all other files that it names. If
anything is wrong with it, nothing changes. Clients stay connected, except for those who may no longer be.
Exit status: 0 done, 1 refused, or there is no such broker.`,
  usage: '[--pid N | -c FILE]',
  examples: ['', '-c /etc/cauldron/cauldron.conf'],
  flags: CHOICE_FLAGS,
};

/** `cauldron reload`. */
export function runReload(argv: readonly string[]): Promise<number> {
  return runTool(RELOAD, argv, (choice) =>
    reportingRefusals(async () => {
      const broker = await chosenBroker(choice);
      process.stdout.write(reloadText(await askAndShow(broker, { command: 'reload' })));
      return 0;
    }),
  );
}

/** What a reload has come to, for a person. */
export function reloadText({ changes, nextStart }: ControlResult): string {
  const changed = Array.isArray(changes) ? changes : [];
  const later = Array.isArray(nextStart) ? nextStart : [];
  const what = changed.length === 0 ? ' What it says is the same; files that it names were read again.' : '';
  const restart = later.length === 0 ? '' : `Takes effect at the next start: ${later.join(', ')}.\n`;
  return `Configuration reloaded.${what}\n${changed.map((line) => `  ${line}\n`).join('')}${restart}`;
}
