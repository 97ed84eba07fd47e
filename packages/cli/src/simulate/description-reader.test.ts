import { describe, expect, it } from 'vitest';
import { DescriptionError, readDescription } from './description-reader.js';
import { EXAMPLES } from './examples.js';
import { durationMs } from './place.js';

function problemsOf(text: string): string[] {
  try {
    readDescription(text, 'x.json');
    return [];
  } catch (error) {
    if (!(error instanceof DescriptionError)) throw error;
    return error.message.split('\n');
  }
}

/** A description whose one group has these members. */
const group = (members: string) => `{ "groups": { "g": {\n${members}\n} } }`;
const MESSAGE = '{ "topic": "t/{id}", "payload": "x", "every": "1s" }';

describe('a description', () => {
  it.each(Object.entries(EXAMPLES))('is printed as an example that can be read: %s', (name, text) => {
    const { groups } = readDescription(text, name);
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(4);
  });

  it('has defaults for what is left out', () => {
    const [one] = readDescription(group(`"messages": [${MESSAGE}]`), 'x').groups;
    expect(one).toMatchObject({ name: 'g', count: 1, username: null, will: null, birth: null, dropouts: null });
    expect(one.id).toEqual({ texts: ['', '-', ''], places: ['group', 'n'] });
    expect(one.messages[0]).toMatchObject({ everyMs: 1000, jitterMs: 100, qos: 0, retain: false, on: null });
  });

  it('takes times with a unit, or in seconds', () => {
    expect(['250ms', '10s', '1.5m', '2h', '1d', '5', '1w', 's'].map(durationMs)).toEqual([
      250,
      10_000,
      90_000,
      7_200_000,
      86_400_000,
      null,
      null,
      null,
    ]);
    const messages = `"messages": [{ "topic": "t", "payload": "x", "every": 2.5, "jitter": 0 }]`;
    expect(readDescription(group(messages), 'x').groups[0].messages[0]).toMatchObject({ everyMs: 2500, jitterMs: 0 });
  });

  it.each([
    ['[]', 'x.json:1: an object was expected: { "groups": ... }'],
    ['{}', 'x.json:1: "groups" is missing'],
    ['{ "groups": {} }', 'x.json:1: groups: there are no groups of devices'],
    [
      '{\n"group": {} }',
      'x.json:2: group: there is no such thing; did you mean "groups"?',
      'x.json:1: "groups" is missing',
    ],
    [group('"count": 2'), 'x.json:1: groups.g: "messages" is missing'],
    [group('"messages": []'), 'x.json:2: groups.g.messages: there are no messages'],
    [
      group(`"count": 0, "messages": [${MESSAGE}]`),
      'x.json:2: groups.g.count: a whole number from 1 to 100000 was expected',
    ],
    [
      group(`"count": 2, "id": "me", "messages": [${MESSAGE}]`),
      'x.json:2: groups.g.id: the devices need ids that differ: {n} is missing',
    ],
    [
      group(`"messages": [${MESSAGE}],\n"mesages": []`),
      'x.json:3: groups.g.mesages: there is no such thing; did you mean "messages"?',
    ],
    [
      group(
        '"messages": [{ "topic": "t/{temp}", "payload": "x", "every": "1s" }], "values": { "temperature": { "walk": [1, 2] } }',
      ),
      'x.json:2: groups.g.messages[0].topic: there is no value {temp}; there are {id}, {n}, {group}, {tid}, {temperature}',
    ],
    [
      group('"messages": [{ "topic": "t/#", "payload": "x", "every": "1s" }]'),
      'x.json:2: groups.g.messages[0].topic: messages have no topic like that: none is empty, and none has a wildcard',
    ],
    [
      group('"messages": [{ "topic": "t", "payload": "x", "every": "soon" }]'),
      'x.json:2: groups.g.messages[0].every: a time was expected: "250ms", "10s", "5m", "2h", or a number of seconds',
    ],
    [
      group('"messages": [{ "topic": "t", "payload": "x", "every": "1s", "jitter": "2s" }]'),
      'x.json:2: groups.g.messages[0].jitter: it is longer than "every"',
    ],
    [
      group('"messages": [{ "topic": "t", "payload": "x" }]'),
      'x.json:2: groups.g.messages[0]: either "every" says how often it is published, or "on" at which map its regions are entered and left',
    ],
    [
      group('"messages": [{ "topic": "t", "payload": "x", "on": "m" }]'),
      'x.json:2: groups.g.messages[0].on: there is no map "m"',
    ],
    [
      group('"messages": [{ "topic": "t", "payload": { "a": ["{b"] }, "every": 1, "qos": 3 }]'),
      'x.json:2: groups.g.messages[0].payload.a[0]: "{" has no "}"; a brace that is meant is written twice: {{',
      'x.json:2: groups.g.messages[0].qos: a whole number from 0 to 2 was expected',
    ],
    [
      group(`"messages": [${MESSAGE}], "values": { "id": { "walk": [1, 2] }, "a b": { "counter": 1 } }`),
      'x.json:2: groups.g.values.id: every device has {id} already',
      'x.json:2: groups.g.values.a b: a name is letters, digits, - and _',
    ],
    [
      group(`"messages": [${MESSAGE}], "values": { "a": 5, "b": {}, "c": { "walk": [2, 1] }, "d": { "walk": [1] } }`),
      'x.json:2: groups.g.values.a: a value is an object with one of walk, day, random, ramp, choice, counter, uuid, time, map: { "walk": [15, 25] }',
      'x.json:2: groups.g.values.b: a value has exactly one of walk, day, random, ramp, choice, counter, uuid, time, map',
      'x.json:2: groups.g.values.c.walk: the lower one stands first',
      'x.json:2: groups.g.values.d.walk: two numbers were expected: [from, to]',
    ],
    [
      group(
        `"messages": [${MESSAGE}], "values": { "a": { "choice": ["x"], "weights": [1, 2] }, "b": { "day": [1, 2], "peak": "noon" } }`,
      ),
      'x.json:2: groups.g.values.a.weights: there are 1 choices: as many weights, and not all of them 0',
      'x.json:2: groups.g.values.b.peak: a time of day was expected: "14:00" (UTC)',
    ],
    [
      group(`"messages": [${MESSAGE}], "dropouts": { "probability": 2, "for": ["1s"], "messages": "late" }`),
      'x.json:2: groups.g.dropouts.messages: either "lost" or "kept"',
      'x.json:2: groups.g.dropouts.probability: a number from 0 to 1 was expected',
      'x.json:2: groups.g.dropouts.for: two times were expected: ["5s", "1m"]',
    ],
    [
      `{ "groups": { "a": { "id": "d{n}", "count": 5, "messages": [${MESSAGE}] }, "b": { "id": "d3", "messages": [${MESSAGE}] } } }`,
      'x.json:1: a and b have a device of the same id: each would end the connection of the other',
    ],
    [
      group('"messages": [{ "topic": "t", "payload": "{\\"a\\": 1}", "every": 1 }]'),
      'x.json:2: groups.g.messages[0].payload: JSON stands there without quotes around it: "payload": { ... }',
    ],
    ['{ "groups": ', 'x.json:1: a value was expected, not the end'],
  ])('%j is refused, by line and place', (text, ...problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });
});
