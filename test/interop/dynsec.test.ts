import { type Client, ConnectionRefused, connect } from '@cauldron/client';
import { ReasonCode } from '@cauldron/codec';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
import { COMMANDS } from './dynsec/commands.js';
import {
  ADMIN,
  type DynsecBroker,
  debianCtrl,
  initialFile,
  OWN_CTRL,
  ownCtrl,
  type Said,
  startCauldron,
  startMosquitto,
} from './dynsec/dynsec-brokers.js';

afterEach(killAll);
afterAll(killAll);

describe.skipIf(!areInstalled('mosquitto', 'mosquitto_ctrl'))("Debian's mosquitto_ctrl", () => {
  it('drives this broker through its whole command set, with the answers that Mosquitto gives', async () => {
    const initial = await initialFile();
    const [theirs, ours] = [await startMosquitto(initial), await startCauldron(initial)];
    const [expected, seen]: [unknown[], unknown[]] = [[], []];
    for (const words of COMMANDS) {
      expected.push([words.join(' '), await debianCtrl(theirs.port, ...words)]);
      seen.push([words.join(' '), await debianCtrl(ours.port, ...words)]);
    }
    expect(seen).toEqual(expected);
    await theirs.stop();
    await ours.stop();
  }, 120_000);

  it('and mosquitto_ctrl of this product say the same, and end in the same way', async () => {
    const initial = await initialFile();
    const [one, other] = [await startCauldron(initial), await startCauldron(initial)];
    const [expected, seen]: [unknown[], unknown[]] = [[], []];
    // A command whose arguments make no sense is told apart by its exit status; this product says more about it.
    const comparable = ({ stdout, stderr, exitCode }: Said) => ({
      stdout,
      exitCode,
      stderr: exitCode === 3 ? '' : stderr,
    });
    for (const words of COMMANDS) {
      expected.push([words.join(' '), comparable(await debianCtrl(one.port, ...words))]);
      seen.push([words.join(' '), comparable(await ownCtrl(other.port, ...words))]);
    }
    expect(seen).toEqual(expected);
    await one.stop();
    await other.stop();
  }, 120_000);
});

const USERS = ['u0', 'u1', 'u2', 'u3', undefined];
const TOPICS = ['a', 'a/b', 'a/b/c', 'b', 'b/a', 'c/c', '$SYS/broker/uptime', '$CONTROL/x'];
/**
 * None that begins with $: Mosquitto 2.0.11 takes them to be meant by patterns that begin with a wildcard, though it does
 * not for topics. So a client with the pattern # may subscribe to $CONTROL/# there.
 */
const FILTERS = [
  'a',
  'a/b',
  'a/b/c',
  'b',
  'b/a',
  'c/c',
  'd',
  '#',
  '+',
  'a/#',
  'a/+',
  '+/b',
  'a/+/c',
  '+/#',
  '+/+/+',
  'b/+/#',
];

/** Numbers that look random, and are the same each time. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }
}

/** Commands for roles, groups and clients at random. No two have the same priority where that would matter. */
function randomCommands(dice: Dice): object[] {
  const filters = [
    '#',
    '+',
    'a',
    'a/b',
    'a/#',
    'a/+',
    'a/+/c',
    '+/b',
    'b/#',
    'c/c',
    '$SYS/#',
    '+/+',
    '$share/#',
    '$CONTROL/#',
  ];
  const types = [
    'publishClientSend',
    'subscribePattern',
    'subscribeLiteral',
    'unsubscribePattern',
    'unsubscribeLiteral',
  ];
  const commands: object[] = [];
  for (let role = 0; role < 6; role++) {
    const acls = Array.from({ length: 12 }, (_, index) => ({
      acltype: dice.one(types),
      topic: dice.one(filters),
      priority: index * 3 - 10,
      allow: dice.below(5) < 3,
    }));
    const distinct = acls.filter(
      (acl, index) => acls.findIndex(({ acltype, topic }) => acltype === acl.acltype && topic === acl.topic) === index,
    );
    commands.push({ command: 'createRole', rolename: `r${role}`, acls: distinct });
  }
  const roles = (first: number) =>
    [first, first + 2, first + 3].map((role, index) => ({ rolename: `r${role % 6}`, priority: index * 2 }));
  for (let group = 0; group < 3; group++) {
    commands.push({
      command: 'createGroup',
      groupname: `g${group}`,
      roles: roles(dice.below(6)).slice(0, 1 + dice.below(2)),
    });
  }
  for (const username of USERS) {
    if (username === undefined) continue;
    commands.push({
      command: 'createClient',
      username,
      password: `secret of ${username}`,
      roles: roles(dice.below(6)).slice(0, dice.below(3)),
    });
    const first = dice.below(3);
    commands.push({ command: 'addGroupClient', groupname: `g${first}`, username, priority: dice.below(9) });
    commands.push({
      command: 'addGroupClient',
      groupname: `g${(first + 1) % 3}`,
      username,
      priority: 10 + dice.below(9),
    });
  }
  commands.push({ command: 'setAnonymousGroup', groupname: `g${dice.below(3)}` });
  const defaults = ['publishClientSend', 'publishClientReceive', 'subscribe', 'unsubscribe'];
  const acls = defaults.map((acltype) => ({
    acltype,
    allow: acltype === 'publishClientReceive' || dice.below(2) === 0,
  }));
  commands.push({ command: 'setDefaultACLAccess', acls });
  commands.push({ command: 'disableClient', username: 'u3' });
  return commands;
}

/** Has an administrator send them, and expects that all are carried out. */
async function administer(broker: DynsecBroker, commands: readonly object[]): Promise<void> {
  const client = await connected(broker, ADMIN.username, ADMIN.password);
  const topic = '$CONTROL/dynamic-security/v1';
  const answer = new Promise<string>((resolve) => {
    void client.subscribe(`${topic}/response`, {}, ({ payload }) => resolve(new TextDecoder().decode(payload)));
  });
  await client.publish(topic, JSON.stringify({ commands }), { qos: 1 });
  const { responses } = JSON.parse(await answer) as { responses: { error?: string }[] };
  expect(responses.map(({ error }) => error)).toEqual(commands.map(() => undefined));
  await client.disconnect();
}

function connected({ port }: DynsecBroker, username: string | undefined, password: string): Promise<Client> {
  const who = username === undefined ? {} : { username, password };
  return connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, clientId: 'asks', reconnect: false, ...who });
}

/** What each user may do, as the broker says when it is asked: one line for each question. */
async function decisionsOf(broker: DynsecBroker): Promise<string[]> {
  const decisions: string[] = [];
  for (const username of USERS) {
    const who = username ?? 'nobody';
    let client: Client;
    try {
      client = await connected(broker, username, `secret of ${username}`);
    } catch (error) {
      if (!(error instanceof ConnectionRefused)) throw error;
      decisions.push(`${who} is not let in: ${error.reasonCode}`);
      continue;
    }
    for (const topic of TOPICS) {
      if (topic.startsWith('$SYS')) continue;
      const isAllowed = await client.publish(topic, '', { qos: 1 }).then(
        () => true,
        () => false,
      );
      decisions.push(`${who} publish ${topic}: ${isAllowed}`);
    }
    for (const filter of FILTERS) {
      const isGranted = await client.subscribe(filter).then(
        () => true,
        () => false,
      );
      decisions.push(`${who} subscribe ${filter}: ${isGranted}`);
      const [left] = await client.unsubscribe(filter);
      decisions.push(`${who} unsubscribe ${filter}: ${left < ReasonCode.UNSPECIFIED_ERROR}`);
    }
    await client.disconnect();
  }
  return decisions;
}

describe.skipIf(!areInstalled('mosquitto', 'mosquitto_ctrl'))('a dynamic-security.json', () => {
  it.each([1, 2, 3, 4])(
    'is honoured by the other broker with the same decisions, whoever wrote it (random roles, seed %i)',
    async (seed) => {
      const dice = new Dice(seed);
      const theirs = await startMosquitto(await initialFile());
      await administer(theirs, randomCommands(dice));
      const byMosquitto = await decisionsOf(theirs);
      const ours = await startCauldron(await theirs.stop());
      expect(await decisionsOf(ours)).toEqual(byMosquitto);
      expect(byMosquitto.length).toBeGreaterThan(100);
      // A change, so that the file is written by this broker.
      const change = {
        command: 'addRoleACL',
        rolename: 'r1',
        acltype: 'publishClientSend',
        topic: 'c/+',
        priority: 99,
        allow: true,
      };
      await administer(ours, [change, { command: 'setClientPassword', username: 'u0', password: 'secret of u0' }]);
      const byCauldron = await decisionsOf(ours);
      const again = await startMosquitto(await ours.stop());
      expect(await decisionsOf(again)).toEqual(byCauldron);
      await again.stop();
    },
    60_000,
  );

  it('made by `mosquitto_ctrl dynsec init` of this product is one for Mosquitto', async () => {
    const theirs = await startMosquitto(await initialFile(OWN_CTRL));
    expect(await ownCtrl(theirs.port, 'listClients')).toEqual({ stdout: 'admin\n', stderr: '', exitCode: 0 });
    expect(await debianCtrl(theirs.port, 'listRoles')).toMatchObject({ stdout: 'admin\n' });
    await theirs.stop();
  }, 30_000);
});
