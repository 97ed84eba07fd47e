import { nearestName } from '@cauldron/broker/nearest-name';
import type { Properties } from '@cauldron/codec';
import { inColumns, UsageError } from '../command-line/arguments.js';

/** The packets that `-D` can give properties to. */
const COMMANDS = ['connect', 'publish', 'subscribe', 'unsubscribe', 'disconnect', 'will'] as const;
type Command = (typeof COMMANDS)[number];

export type PropertySets = Record<Command, Properties>;

type Row = {
  readonly key: keyof Properties;
  readonly commands: readonly Command[];
} & (
  | { readonly kind: 'text' | 'bytes' | 'pair' }
  | { readonly kind: 'integer'; readonly lowest: number; readonly highest: number; readonly repeated?: true }
);

const UINT16 = 65_535;
const UINT32 = 4_294_967_295;

/** The properties under the names that Mosquitto's tools give them, and the packets that can have them. */
const PROPERTIES: Readonly<Record<string, Row>> = {
  'authentication-data': { key: 'authenticationData', kind: 'bytes', commands: ['connect'] },
  'authentication-method': { key: 'authenticationMethod', kind: 'text', commands: ['connect'] },
  'content-type': { key: 'contentType', kind: 'text', commands: ['publish', 'will'] },
  'correlation-data': { key: 'correlationData', kind: 'bytes', commands: ['publish', 'will'] },
  'maximum-packet-size': integer('maximumPacketSize', 1, UINT32, ['connect']),
  'message-expiry-interval': integer('messageExpiryInterval', 0, UINT32, ['publish', 'will']),
  'payload-format-indicator': integer('payloadFormatIndicator', 0, 1, ['publish', 'will']),
  'receive-maximum': integer('receiveMaximum', 1, UINT16, ['connect']),
  'request-problem-information': integer('requestProblemInformation', 0, 1, ['connect']),
  'request-response-information': integer('requestResponseInformation', 0, 1, ['connect']),
  'response-topic': { key: 'responseTopic', kind: 'text', commands: ['publish', 'will'] },
  'session-expiry-interval': integer('sessionExpiryInterval', 0, UINT32, ['connect', 'disconnect']),
  'subscription-identifier': {
    ...integer('subscriptionIdentifiers', 1, 268_435_455, ['subscribe']),
    repeated: true,
  },
  'topic-alias': integer('topicAlias', 1, UINT16, ['publish']),
  'topic-alias-maximum': integer('topicAliasMaximum', 0, UINT16, ['connect']),
  'user-property': { key: 'userProperties', kind: 'pair', commands: COMMANDS },
  'will-delay-interval': integer('willDelayInterval', 0, UINT32, ['will']),
};

function integer(key: keyof Properties, lowest: number, highest: number, commands: readonly Command[]) {
  return { key, kind: 'integer', lowest, highest, commands } as const;
}

/**
 * How many arguments follow `-D`: packet, property and value, or packet, `user-property`, name and value.
 * @throws UsageError for a property that does not exist: how the line goes on is not known then
 */
export function propertyArity(following: readonly string[]): number {
  return following.length > 1 && rowNamed(following[1]).kind === 'pair' ? 4 : 3;
}

/**
 * The properties of all `-D` arguments.
 * @throws UsageError for a command or property that does not exist, or a value that does not fit
 */
export function parseProperties(groups: readonly (readonly string[])[]): PropertySets {
  const sets: PropertySets = { connect: {}, publish: {}, subscribe: {}, unsubscribe: {}, disconnect: {}, will: {} };
  for (const [typedCommand, name, ...values] of groups) {
    const command = commandNamed(typedCommand);
    const row = rowNamed(name);
    if (!row.commands.includes(command)) {
      throw new UsageError(
        `${command.toUpperCase()} has no property '${name}', but ${row.commands.join(' and ')} can.`,
      );
    }
    Object.assign(sets[command], { [row.key]: propertyValue(row, name, values, sets[command]) });
  }
  return sets;
}

/** A line for each packet, with the properties that it can have. */
export function describeProperties(): string {
  const lines = COMMANDS.map((command) => {
    const names = Object.keys(PROPERTIES).filter((name) => PROPERTIES[name].commands.includes(command));
    return inColumns(`  ${command}`, names.join(' '), 15);
  });
  return lines.join('');
}

function rowNamed(name: string): Row {
  if (Object.hasOwn(PROPERTIES, name)) return PROPERTIES[name];
  throw new UsageError(`Unknown property '${name}'.${hint(name, Object.keys(PROPERTIES))}`);
}

function commandNamed(typed: string): Command {
  const command = COMMANDS.find((one) => one === typed.toLowerCase());
  if (command === undefined) throw new UsageError(`Unknown packet '${typed}' after -D.${hint(typed, COMMANDS)}`);
  return command;
}

function propertyValue(row: Row, name: string, values: readonly string[], before: Properties): unknown {
  const [value] = values;
  switch (row.kind) {
    case 'text':
      return value;
    case 'bytes':
      return new TextEncoder().encode(value);
    case 'pair':
      return [...(before.userProperties ?? []), [value, values[1]]];
    case 'integer': {
      const number = Number(value);
      if (!/^\d+$/.test(value) || number < row.lowest || number > row.highest) {
        throw new UsageError(`${name} is a whole number from ${row.lowest} to ${row.highest}, not "${value}"`);
      }
      return row.repeated ? [number] : number;
    }
  }
}

function hint(typed: string, names: Iterable<string>): string {
  const nearest = nearestName(typed.toLowerCase(), names);
  return nearest === undefined ? '' : ` Did you mean ${nearest}?`;
}
