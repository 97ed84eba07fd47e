import { UsageError } from './command-line/arguments.js';
import { runTool, type Tool } from './command-line/tool.js';
import { CHOICE_FLAGS } from './reload.js';
import { askAndShow, chosenBroker, reportingRefusals } from './running-brokers.js';

export const LOCKOUTS: Tool<typeof CHOICE_FLAGS> = {
  name: 'lockouts',
  summary: `Shows who has to wait because of failed logins, and ends that for one address or user name, or for all.
Exit status: 0 done, 1 refused, or there is no such broker.`,
  usage: '[lift [ADDRESS|USER]]',
  examples: ['', 'lift 192.0.2.7', 'lift'],
  flags: CHOICE_FLAGS,
};

/** `cauldron lockouts`. */
export function runLockouts(argv: readonly string[]): Promise<number> {
  return runTool(LOCKOUTS, argv, (choice, [action, value = null, ...others]) => {
    if (others.length > 0) throw new UsageError(`'${others[0]}' is one word too many.`);
    if (action !== undefined && action !== 'lift') throw new UsageError(`'${action}' is not lift.`);
    return reportingRefusals(async () => {
      const broker = await chosenBroker(choice);
      if (action === 'lift') {
        const { lifted } = await askAndShow(broker, { command: 'lockouts-lift', value });
        process.stdout.write(`Lock-outs that were lifted: ${lifted}.\n`);
        return 0;
      }
      const { lockouts } = await askAndShow(broker, { command: 'lockouts' });
      if (lockouts === 0) process.stdout.write('Nobody has to wait.\n');
      return 0;
    });
  });
}
