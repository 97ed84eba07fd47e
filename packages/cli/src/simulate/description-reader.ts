import { isValidTopicName, type QoS } from '@cauldron/codec';
import { JsonSyntaxError, type Node, parseCommentedJson } from './commented-json.js';
import {
  BUILT_IN,
  type Description,
  type DropoutSpec,
  type Group,
  MAP_FIELDS,
  type MessageSpec,
  type Payload,
  type PublishSpec,
  type ValueSpec,
} from './description.js';
import { idOf } from './device.js';
import { Place } from './place.js';
import { fill, parseTemplate, type Template } from './template.js';
import { readValue } from './value-reader.js';

/** What is wrong with a description: each line says where. */
export class DescriptionError extends Error {
  override readonly name = 'DescriptionError';

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
  }
}

/** As many problems as a person wants to read at a time. */
const MOST_PROBLEMS = 20;
const MOST_DEVICES = 100_000;
const NAME = /^[A-Za-z][\w-]*$/;
/** Stands in for what is missing, which has been noted. */
const NOTHING: Template = { texts: [''], places: [] };

/** @param file for the messages. @throws DescriptionError */
export function readDescription(text: string, file: string): Description {
  let root: Node;
  try {
    root = parseCommentedJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new DescriptionError([`${file}:${error.line}: ${error.message}`]);
  }
  const problems: string[] = [];
  const place = new Place(root, '', (line, path, message) => {
    problems.push(`${file}:${line}: ${path === '' ? '' : `${path}: `}${message}`);
  });
  const description = descriptionAt(place);
  if (problems.length > 0) throw new DescriptionError(problems.slice(0, MOST_PROBLEMS));
  return description;
}

function descriptionAt(place: Place): Description {
  const given = place.members(['groups'], ['groups']).get('groups');
  const groups = given?.everyMember() ?? new Map<string, Place>();
  const read = Array.from(groups, ([name, one]) => groupAt(name, one));
  if (given?.node.kind === 'object' && groups.size === 0) given.complain('there are no groups of devices');
  const total = read.reduce((sum, { count }) => sum + count, 0);
  if (total > MOST_DEVICES) place.complain(`${total} devices are too many: up to ${MOST_DEVICES}`);
  for (const [one, other] of withSameId(read)) {
    place.complain(`${one} and ${other} have a device of the same id: each would end the connection of the other`);
  }
  return { groups: read };
}

/** Names of groups, in pairs. */
function* withSameId(groups: readonly Group[]): Generator<[string, string]> {
  const owners = new Map<string, string>();
  for (const { name, count, id } of groups) {
    for (let number = 1; number <= Math.min(count, MOST_DEVICES); number++) {
      const owner = owners.get(idOf(id, name, number));
      owners.set(idOf(id, name, number), name);
      if (owner === undefined || owner === name) continue;
      yield [owner, name];
      break;
    }
  }
}

const GROUP_MEMBERS = ['count', 'id', 'username', 'password', 'values', 'messages', 'will', 'birth', 'dropouts'];

function groupAt(name: string, place: Place): Group {
  const members = place.members(GROUP_MEMBERS, ['messages']);
  const values = valuesAt(members.get('values'));
  const names = namesOf(values);
  const builtIn = BUILT_IN.filter((one) => one !== 'id' && one !== 'tid');
  const withId = [...BUILT_IN];
  const count = members.get('count')?.number(1, MOST_DEVICES, true) ?? 1;
  const id = members.get('id');
  const idTemplate = id?.template(builtIn) ?? parseTemplate('{group}-{n}', builtIn);
  if (id !== undefined && count > 1 && !idTemplate.places.includes('n')) {
    id.complain('the devices need ids that differ: {n} is missing');
  }
  const messages =
    members
      .get('messages')
      ?.items()
      .map((one) => messageAt(one, names, values)) ?? [];
  if (messages.length === 0 && members.get('messages')?.node.kind === 'array') {
    members.get('messages')?.complain('there are no messages');
  }
  return {
    name,
    count,
    id: idTemplate,
    username: members.get('username')?.template(withId) ?? null,
    password: members.get('password')?.template(withId) ?? null,
    values,
    messages,
    will: publishAt(members.get('will'), names),
    birth: publishAt(members.get('birth'), names),
    dropouts: dropoutsAt(members.get('dropouts')),
  };
}

function valuesAt(place: Place | undefined): Map<string, ValueSpec> {
  const values = new Map<string, ValueSpec>();
  for (const [name, one] of place?.everyMember() ?? []) {
    const isTaken = (BUILT_IN as readonly string[]).includes(name);
    if (isTaken || !NAME.test(name)) {
      one.complain(isTaken ? `every device has {${name}} already` : 'a name is letters, digits, - and _');
    }
    const value = readValue(one);
    if (value !== null) values.set(name, value);
  }
  return values;
}

/** What templates may name. */
function namesOf(values: ReadonlyMap<string, ValueSpec>): string[] {
  const named = Array.from(values, ([name, { kind }]) =>
    kind === 'map' ? MAP_FIELDS.map((field) => `${name}.${field}`) : [name],
  );
  return [...BUILT_IN, ...named.flat()];
}

const PUBLISH_MEMBERS = ['topic', 'payload', 'qos', 'retain'];

function messageAt(place: Place, names: readonly string[], values: ReadonlyMap<string, ValueSpec>): MessageSpec {
  const members = place.members([...PUBLISH_MEMBERS, 'every', 'jitter', 'on'], ['topic', 'payload']);
  const every = members.get('every');
  const on = members.get('on');
  if ((every === undefined) === (on === undefined) && place.node.kind === 'object') {
    place.complain(
      'either "every" says how often it is published, or "on" at which map its regions are entered and left',
    );
  }
  const everyMs = every?.duration() ?? null;
  const value = on?.text() ?? null;
  if (on !== undefined && value !== null && values.get(value)?.kind !== 'map')
    on.complain(`there is no map "${value}"`);
  const jitter = members.get('jitter');
  const jitterMs = jitter?.duration(0) ?? (everyMs ?? 0) / 10;
  if (everyMs !== null && jitterMs > everyMs) jitter?.complain('it is longer than "every"');
  return { ...publishMembers(members, names), everyMs, jitterMs, on: value };
}

function publishAt(place: Place | undefined, names: readonly string[]): PublishSpec | null {
  return place === undefined ? null : publishMembers(place.members(PUBLISH_MEMBERS, ['topic', 'payload']), names);
}

function publishMembers(members: ReadonlyMap<string, Place>, names: readonly string[]): PublishSpec {
  const topic = members.get('topic');
  const template = topic?.template(names) ?? NOTHING;
  // A template that is none has been noted already.
  const isRead = topic?.node.kind === 'string' && (template.texts.join('') !== '' || template.places.length > 0);
  const isEmpty = topic?.node.kind === 'string' && topic.node.value === '';
  if (topic !== undefined && (isEmpty || (isRead && !isValidTopicName(fill(template, () => 'x'))))) {
    topic.complain('messages have no topic like that: none is empty, and none has a wildcard');
  }
  const payload = members.get('payload');
  return {
    topic: template,
    payload: payload === undefined ? NOTHING : payloadAt(payload, names),
    qos: (members.get('qos')?.number(0, 2, true) ?? 0) as QoS,
    retain: members.get('retain')?.flag() ?? false,
  };
}

function payloadAt(place: Place, names: readonly string[]): Payload {
  const { node } = place;
  switch (node.kind) {
    case 'string':
      return place.template(names);
    case 'array':
      return place.items().map((one) => payloadAt(one, names));
    case 'object':
      return { members: Array.from(place.everyMember(), ([name, one]) => [name, payloadAt(one, names)] as const) };
    default:
      return node.value;
  }
}

function dropoutsAt(place: Place | undefined): DropoutSpec | null {
  if (place === undefined) return null;
  const members = place.members(['probability', 'for', 'messages'], ['probability', 'for']);
  const messages = members.get('messages');
  const kept = messages?.text() ?? 'lost';
  if (kept !== 'lost' && kept !== 'kept') messages?.complain('either "lost" or "kept"');
  return {
    probability: members.get('probability')?.number(0, 1) ?? 0,
    forMs: members.get('for')?.durations() ?? [0, 0],
    keepsMessages: kept === 'kept',
  };
}
