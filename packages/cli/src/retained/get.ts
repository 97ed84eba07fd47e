import type { Message } from '@cauldron/client';
import type { FlagTable } from '../command-line/arguments.js';
import { BatchedOutput } from '../command-line/batched-output.js';
import { runTool, type Tool } from '../command-line/tool.js';
import { visible } from '../decode/json-text.js';
import { DECODERS, decoderArity, decoderOf, type PayloadDecoder } from '../decode/payload-decoder.js';
import { bytesJson, propertiesJson } from '../recording/recorded-message.js';
import { RETAINED_FLAGS, withConnection } from './retained-flags.js';

const FLAGS = {
  verbose: { short: '-v', long: '--verbose', kind: 'switch', doc: 'Prints the topic before each payload.' },
  json: { long: '--json', kind: 'switch', doc: 'For programs: an object of JSON for each message, with properties.' },
  decode: {
    long: '--decode',
    kind: 'group',
    value: 'FORMAT',
    arity: decoderArity,
    doc: `Shows what is in the payloads: ${Object.keys(DECODERS).join(', ')}; protobuf FILE[:MESSAGE].`,
  },
  ...RETAINED_FLAGS,
} as const satisfies FlagTable;

/** All that there is to know of the command line. */
export const RETAINED_GET: Tool<typeof FLAGS> = {
  name: 'retained get',
  summary: 'Prints the payloads of retained messages, each with a line end. Exit status 1: there is none.',
  usage: 'FILTER ... [-h HOST] [-p PORT] [options]',
  examples: ['home/kitchen/light', "-v 'owntracks/#'", "--json '#' > retained.jsonl"],
  flags: FLAGS,
};

const NOTHING_EXIT_CODE = 1;

/** `cauldron retained get`. */
export function runGet(argv: readonly string[]): Promise<number> {
  return runTool(RETAINED_GET, argv, async (values, operands) => {
    const [words] = values.decode?.slice(-1) ?? [];
    const decoder = words === undefined ? null : await decoderOf(words[0], words[1]);
    return withConnection(values, operands, null, async ({ client, read, say }) => {
      const output = new BatchedOutput(process.stdout);
      output.onFull = () => client.pause();
      output.onRoom = () => client.resume();
      const gone = new AbortController();
      output.onGone = () => {
        gone.abort();
        client.resume();
      };
      let count = 0;
      const print = (message: Message) => {
        count++;
        if (values.json) output.writeText(`${jsonOf(message)}\n`);
        else printPayload(output, message, values.verbose === true, decoder);
      };
      try {
        await read(print, gone.signal);
      } finally {
        await output.end();
      }
      if (count > 0) return 0;
      say('There is no such retained message.');
      return NOTHING_EXIT_CODE;
    });
  });
}

function jsonOf({ topic, payload, properties }: Message): string {
  const { subscriptionIdentifiers: _, topicAlias: _alias, ...own } = properties;
  return JSON.stringify({
    topic,
    ...bytesJson('payload', payload),
    ...(Object.keys(own).length > 0 && { properties: propertiesJson(own) }),
  });
}

function printPayload(
  output: BatchedOutput,
  { topic, payload }: Message,
  isVerbose: boolean,
  decoder: PayloadDecoder | null,
): void {
  if (isVerbose) output.writeText(`${decoder === null ? topic : visible(topic)} `);
  if (decoder === null) output.writeBytes(payload);
  else output.writeText(decoder.text(topic, payload));
  output.writeText('\n');
}
