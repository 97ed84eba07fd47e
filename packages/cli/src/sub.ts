import { UsageError, type Values } from './command-line/arguments.js';
import { runTool, type Tool } from './command-line/tool.js';
import { CLIENT_TOOL_DETAILS, checkedTopicFilter, connectionTarget } from './connection/connection-flags.js';
import { FILTER_DETAILS, FORMAT_DETAILS, SUB_FLAGS } from './sub/sub-flags.js';
import { Subscriber } from './sub/subscriber.js';

/** All that there is to know of the command line. */
export const SUB: Tool<typeof SUB_FLAGS> = {
  name: 'sub',
  summary: 'Subscribes to topics of an MQTT broker, and prints the messages.',
  usage: '[-h HOST] [-p PORT] -t FILTER [-t FILTER ...] [options]',
  examples: [
    "-v -t 'garden/#'",
    '-t garden/temperature -C 1 -W 10',
    "-t 'garden/#' -F '@H:@M:@S %t %p'",
    '-i logger -c -q 1 -t garden/log > log.txt',
  ],
  flags: SUB_FLAGS,
  optionsFile: 'mosquitto_sub',
  details: `${FORMAT_DETAILS}\n\n${FILTER_DETAILS}\n\n${CLIENT_TOOL_DETAILS}`,
};

/** `cauldron sub`. @param program the name that it was called by, if another. @returns the exit status */
export function runSub(argv: string[], program?: string): Promise<number> {
  return runTool({ ...SUB, ...(program !== undefined && { program }) }, argv, sub);
}

function sub(values: Values<typeof SUB_FLAGS>): Promise<number> {
  const target = connectionTarget(values);
  const topics = [...(values.topics ?? [])];
  if (target.topic !== null) topics.push(target.topic);
  if (topics.length === 0 && values.unsubscribe === undefined) {
    throw new UsageError('You must specify a topic to subscribe to (-t) or unsubscribe from (-U)');
  }
  for (const filter of [...topics, ...(values.filterOut ?? []), ...(values.unsubscribe ?? [])]) {
    checkedTopicFilter(filter);
  }
  return new Subscriber(values, target, topics).run();
}
