import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, startServer } from '@cauldron/broker';
import { explainAcl, parseAclFile } from '@cauldron/broker/acl';
import { type Client, connect, PublishRefused } from '@cauldron/client';
import { afterAll, describe, expect, it } from 'vitest';
import { areInstalled } from '../support/programs.js';
import { startMosquitto } from './other-brokers/mosquitto.js';

const FILES = 12;
const LINES = 16;
const CLIENTS = 5;
const TOPICS = 9;

interface Asker {
  readonly username: string | undefined;
  readonly clientId: string;
}

interface Case {
  readonly lines: readonly string[];
  readonly askers: readonly Asker[];
  readonly topics: readonly string[];
}

/** Numbers from 0 up to 1 that look random, and are the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Those in front come more often.
const NAMES = ['ann', 'ann', 'ann', 'bob', 'bob', 'bob', 'carl lee', 'a/b', 'x+', '#', '%c'];
const IDS = ['c1', 'c2', 'c3', 'c4', 'a/c', 'id#', 'ann', '%u', '$dev'];
const LEVELS = ['a', 'b', 'home', 'ann', 'bob', 'c1', '', 'a b', '%u', '%c', '$dev'];

function randomCase(seed: number): Case {
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
  const levels = (from: readonly string[], wildcards: boolean): string => {
    const count = 1 + Math.floor(random() * 4);
    const chosen = Array.from({ length: count }, () => (wildcards && random() < 0.25 ? '+' : pick(from)));
    if (wildcards && random() < 0.5) chosen.push('#');
    return chosen.join('/');
  };
  const until = (make: () => string, isGood: (text: string) => boolean): string => {
    for (;;) {
      const text = make();
      if (isGood(text)) return text;
    }
  };
  const lines: string[] = [];
  while (lines.length < LINES) {
    if (random() < 0.15) lines.push(`user ${pick(NAMES)}`);
    const kind = random() < 0.6 ? 'topic' : 'pattern';
    const access = pick(['read ', 'write ', 'readwrite ', 'deny ', '']);
    const isClean = (text: string): boolean =>
      text.trim() === text && text !== '' && (access !== '' || !text.includes(' '));
    lines.push(`${kind} ${access}${until(() => levels(LEVELS, true), isClean)}`);
  }
  const askers = new Map<string, Asker>();
  while (askers.size < CLIENTS) {
    const asker = { username: random() < 0.2 ? undefined : pick(NAMES), clientId: pick(IDS) };
    askers.set(asker.clientId, asker);
  }
  // Most of them have to do with a line.
  const meant = (): string => {
    const filter = pick(lines.filter((line) => !line.startsWith('user'))).replace(
      /^\S+ ((read|write|readwrite|deny) )?/,
      '',
    );
    const filled = filter.replace(/%[uc]|[+#]/g, (what) => {
      const { username = 'x', clientId } = pick([...askers.values()]);
      return what === '%u' ? username : what === '%c' ? clientId : pick(LEVELS);
    });
    return random() < 0.1 ? filled.split('/').slice(0, -1).join('/') : filled;
  };
  const topics = new Set<string>();
  while (topics.size < TOPICS) {
    topics.add(
      until(random() < 0.75 ? meant : () => levels(LEVELS, false), (text) => text !== '' && !/[+#]/.test(text)),
    );
  }
  return { lines, askers: [...askers.values()], topics: [...topics] };
}

/** `CLIENT read|write TOPIC` of everything that a broker on this port lets the clients do. */
async function rightsAt(port: number, { askers, topics }: Case): Promise<Set<string>> {
  const rights = new Set<string>();
  const publisher = await connect(`mqtt://127.0.0.1:${port}`, {
    clientId: 'publisher',
    username: 'publisher',
    reconnect: false,
  });
  const clients: [Client, Asker][] = [];
  for (const asker of askers) {
    const { clientId, username } = asker;
    const client = await connect(`mqtt://127.0.0.1:${port}`, {
      clientId,
      reconnect: false,
      ...(username !== undefined && { username }),
    });
    clients.push([client, asker]);
    const filters = ['#', ...topics.filter((topic) => topic.startsWith('$'))];
    await client.subscribe(filters, {}, ({ topic, payload }) => {
      if (new TextDecoder().decode(payload) === 'read?') rights.add(`${nameOf(asker)} read ${topic}`);
    });
  }
  for (const topic of topics) await publisher.publish(topic, 'read?', { qos: 1 });
  for (const [client, asker] of clients) {
    for (const topic of topics) {
      // What the broker had to deliver before comes before its answer.
      if (await isTaken(client, topic)) rights.add(`${nameOf(asker)} write ${topic}`);
    }
  }
  for (const [client] of clients) await client.disconnect();
  await publisher.disconnect();
  return rights;
}

async function isTaken(client: Client, topic: string): Promise<boolean> {
  try {
    await client.publish(topic, 'write?', { qos: 1 });
    return true;
  } catch (error) {
    if (error instanceof PublishRefused && error.reasonCode === 0x87) return false;
    throw error;
  }
}

const nameOf = ({ username = '(none)', clientId }: Asker): string => `${username} as ${clientId}`;

/**
 * Why an answer may differ from that of Mosquitto 2.0.11; null: it may not.
 * - A name with a slash in it stands for several levels of a pattern there, although its manual says that the placeholder
 *   is one level. Here it stands for none.
 * - A name that begins with $ makes a pattern one for topics that begin so. Here the line itself has to.
 */
function reasonToDiffer({ username = '', clientId }: Asker, topic: string, lines: readonly string[]): string | null {
  const usesNames = lines.some((line) => line.startsWith('pattern') && /%[uc]/.test(line));
  if (!usesNames) return null;
  if (username.includes('/') || clientId.includes('/')) return 'a name with a slash';
  return topic.startsWith('$') && (username.startsWith('$') || clientId.startsWith('$')) ? 'a name with a $' : null;
}

describe.skipIf(!areInstalled('mosquitto'))('decisions by an ACL file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-acl-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  let asked = 0;
  let differed = 0;
  let granted = 0;

  /** What each of the two lets the clients do. `publisher` may write everywhere. */
  async function askBoth(name: string, one: Case): Promise<{ theirs: Set<string>; ours: Set<string>; text: string }> {
    const text = [...one.lines, 'user publisher', 'topic #', 'topic $dev/#', 'topic $dev', ''].join('\n');
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    const mosquitto = await startMosquitto([`acl_file ${file}`]);
    const config = ['listener 0 127.0.0.1', 'allow_anonymous true', 'log_dest none', `acl_file ${file}`];
    const server = await startServer(readConfig(config.join('\n'), join(folder, 'test.conf')));
    try {
      const theirs = await rightsAt(mosquitto.port, one);
      return { theirs, ours: await rightsAt(server.endpoints[0].port, one), text };
    } finally {
      await mosquitto.stop();
      await server.stop();
    }
  }

  it.each(Array.from({ length: FILES }, (_, i) => i + 1))(
    'are those of Mosquitto, asked live (random file %i)',
    async (seed) => {
      const one = randomCase(seed);
      const { theirs, ours, text } = await askBoth(`acl-${seed}`, one);
      const file = parseAclFile('acl', text);
      const wrong: string[] = [];
      for (const asker of one.askers) {
        for (const topic of one.topics) {
          for (const action of ['read', 'write'] as const) {
            asked++;
            const question = `${nameOf(asker)} ${action} ${topic}`;
            if (ours.has(question)) granted++;
            const { decision } = explainAcl(file, asker, action, topic);
            // What is explained is what happens.
            expect(`${question}: ${decision.allowed}`).toBe(`${question}: ${ours.has(question)}`);
            if (theirs.has(question) === ours.has(question)) continue;
            if (reasonToDiffer(asker, topic, one.lines) === null) {
              wrong.push(
                `${question}: Mosquitto ${theirs.has(question)}, here ${ours.has(question)} (${decision.rule})`,
              );
            } else differed++;
          }
        }
      }
      expect(wrong, text).toEqual([]);
    },
  );

  it.each([
    ['a name with a slash', ['pattern home/%c/#'], 'a/c', 'home/a/c'],
    ['a name with a $', ['pattern %c/x'], '$dev', '$dev/x'],
  ])('differ where a client could widen a pattern by %s', async (reason, lines, clientId, topic) => {
    const asker = { username: 'ann', clientId };
    const { theirs, ours } = await askBoth(`acl-${reason.replaceAll(' ', '-')}`, {
      lines,
      askers: [asker],
      topics: [topic],
    });
    const both = [`ann as ${clientId} read ${topic}`, `ann as ${clientId} write ${topic}`];
    expect([...theirs].sort()).toEqual(both);
    expect([...ours]).toEqual([]);
    expect(reasonToDiffer(asker, topic, lines)).toBe(reason);
  });

  it('are several hundred, and few of them differ for a reason', () => {
    expect(asked).toBe(FILES * CLIENTS * TOPICS * 2);
    expect(granted).toBeGreaterThan(asked / 10);
    expect(differed).toBeLessThan(asked / 20);
  });
});
