import { runTool, type Tool } from './command-line/tool.js';
import { CHOICE_FLAGS } from './reload.js';
import { allBrokers, chosenBroker, described, type RunningBroker, reportingRefusals } from './running-brokers.js';

export const STATUS: Tool<typeof CHOICE_FLAGS> = {
  name: 'status',
  summary: `Shows the brokers that run on this machine, as far as this user may talk to them.
Exit status: 0, or 1 when there is none.`,
  usage: '[--pid N | -c FILE]',
  examples: [''],
  flags: CHOICE_FLAGS,
};

/** `cauldron status`. */
export function runStatus(argv: readonly string[]): Promise<number> {
  return runTool(STATUS, argv, (choice) =>
    reportingRefusals(async () => {
      const isAny = choice.pid === undefined && choice.config === undefined;
      const brokers = isAny ? await allBrokers() : [await chosenBroker(choice)];
      for (const broker of brokers) process.stdout.write(`${statusText(broker)}\n`);
      if (brokers.length === 0) process.stdout.write('No broker runs here that this user may talk to.\n');
      return brokers.length === 0 ? 1 : 0;
    }),
  );
}

function statusText(broker: RunningBroker): string {
  const { version, uptimeS, clients, sessions } = broker.status;
  return `${described(broker)}: cauldron version ${version}, up ${uptimeS} s, ${clients} clients connected, ${sessions} sessions`;
}
