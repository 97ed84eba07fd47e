import { pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, type Server, StartError, startServer } from '@cauldron/broker';
import { type Client, connect, PublishRefused, ServerDisconnected } from '@cauldron/client';
import { describe, expect, it, onTestFinished } from 'vitest';

const NOT_AUTHORIZED = 0x87;

/** A line of a password file. */
function userLine(name: string, password: string): string {
  const salt = Buffer.from('a salt of no account');
  const hash = pbkdf2Sync(password, salt, 10, 64, 'sha512');
  return `${name}:$7$10$${salt.toString('base64')}$${hash.toString('base64')}`;
}

const USERS = [userLine('anna', 'secret'), userLine('bob', 'word')];

/** A broker whose configuration and files can be changed. */
class GuardedBroker {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cauldron-access-'));
  #server: Server | null = null;

  /** `{folder}` in `lines` becomes that of the files. */
  static async start(files: Readonly<Record<string, readonly string[]>>, ...lines: string[]): Promise<GuardedBroker> {
    const broker = new GuardedBroker();
    onTestFinished(() => broker.#end());
    broker.write(files);
    broker.#server = await startServer(broker.#config(lines));
    return broker;
  }

  write(files: Readonly<Record<string, readonly string[]>>): void {
    for (const [name, lines] of Object.entries(files)) {
      writeFileSync(join(this.#folder, name), `${lines.join('\n')}\n`, { mode: 0o600 });
    }
  }

  async reload(...lines: string[]): Promise<void> {
    await this.#server?.reload(this.#config(lines));
  }

  connect(username?: string, password?: string, listener = 0): Promise<Client> {
    const port = this.#server?.endpoints[listener].port;
    const who = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
    return connect(`mqtt://127.0.0.1:${port}`, { ...who, reconnect: false });
  }

  #config(lines: readonly string[]) {
    const listener = lines.some((line) => line.startsWith('listener ')) ? [] : ['listener 0 127.0.0.1'];
    const text = ['log_dest none', ...listener, ...lines].join('\n').replaceAll('{folder}', this.#folder);
    return readConfig(text, join(this.#folder, 'test.conf'));
  }

  async #end(): Promise<void> {
    await this.#server?.stop();
    rmSync(this.#folder, { recursive: true });
  }
}

function refusalOf(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => 0,
    (error: { reasonCode: number }) => error.reasonCode,
  );
}

const PASSWORDS = 'password_file {folder}/users';
const RULES = 'acl_file {folder}/acl';

describe.each([
  ['password_file', PASSWORDS],
  [
    'plugin mosquitto_password_file.so',
    'plugin /usr/lib/mosquitto_password_file.so\nplugin_opt_password_file {folder}/users',
  ],
])('%s', (_, line) => {
  it('lets in its users by their passwords, and nobody else', async () => {
    const broker = await GuardedBroker.start({ users: USERS }, line);
    await (await broker.connect('anna', 'secret')).disconnect();
    expect(await refusalOf(broker.connect('anna', 'word'))).toBe(NOT_AUTHORIZED);
    expect(await refusalOf(broker.connect('anna'))).toBe(NOT_AUTHORIZED);
    expect(await refusalOf(broker.connect('carl', 'secret'))).toBe(NOT_AUTHORIZED);
    expect(await refusalOf(broker.connect())).toBe(NOT_AUTHORIZED);
  });

  it('a reload ends the connections of users who are gone or have another password, and of nobody else', async () => {
    const all = [...USERS, userLine('carl', 'x')];
    const broker = await GuardedBroker.start({ users: all }, line);
    const [anna, bob, carl] = await Promise.all([
      broker.connect('anna', 'secret'),
      broker.connect('bob', 'word'),
      broker.connect('carl', 'x'),
    ]);
    broker.write({ users: [userLine('anna', 'other'), USERS[1]] });
    await broker.reload(line);
    expect(await anna.closed).toMatchObject({
      reasonCode: NOT_AUTHORIZED,
      reasonString: expect.stringContaining('changed'),
    });
    expect(await carl.closed).toBeInstanceOf(ServerDisconnected);
    await bob.publish('a', 'x', { qos: 1 });
    await bob.disconnect();
    await (await broker.connect('anna', 'other')).disconnect();
  });
});

it('password_file and allow_anonymous true: also those without a user name', async () => {
  const broker = await GuardedBroker.start({ users: USERS }, PASSWORDS, 'allow_anonymous true');
  await (await broker.connect()).disconnect();
  expect(await refusalOf(broker.connect('carl', 'x'))).toBe(NOT_AUTHORIZED);
});

it('password_file with per_listener_settings true: the users of that listener', async () => {
  const broker = await GuardedBroker.start(
    { users: [USERS[0]], others: [USERS[1]] },
    'per_listener_settings true',
    'listener 0 127.0.0.1',
    PASSWORDS,
    'listener 0 127.0.0.2',
    'password_file {folder}/others',
  );
  await (await broker.connect('anna', 'secret', 0)).disconnect();
  expect(await refusalOf(broker.connect('bob', 'word', 0))).toBe(NOT_AUTHORIZED);
});

describe.each([
  ['acl_file', RULES],
  ['plugin mosquitto_acl_file.so', 'plugin /usr/lib/mosquitto_acl_file.so\nplugin_opt_acl_file {folder}/acl'],
])('%s', (_, line) => {
  const acl = ['user anna', 'topic readwrite home/#', 'user bob', 'topic read home/hall'];

  it('says who may publish and receive what', async () => {
    const broker = await GuardedBroker.start({ users: USERS, acl }, PASSWORDS, line);
    const anna = await broker.connect('anna', 'secret');
    const bob = await broker.connect('bob', 'word');
    const got: string[] = [];
    await bob.subscribe('#', { qos: 1 }, ({ topic }) => got.push(topic));
    expect(await refusalOf(bob.publish('home/hall', 'x', { qos: 1 }))).toBe(NOT_AUTHORIZED);
    await anna.publish('home/kitchen', 'x', { qos: 1 });
    await anna.publish('home/hall', 'x', { qos: 1 });
    await expect.poll(() => got).toEqual(['home/hall']);
    await Promise.all([anna.disconnect(), bob.disconnect()]);
  });

  it('a right that a reload takes away ends at once', async () => {
    const broker = await GuardedBroker.start({ users: USERS, acl }, PASSWORDS, line);
    const anna = await broker.connect('anna', 'secret');
    const bob = await broker.connect('bob', 'word');
    const got: string[] = [];
    await bob.subscribe('home/#', { qos: 1 }, ({ payload }) => got.push(Buffer.from(payload).toString()));
    await anna.publish('home/hall', 'before', { qos: 1 });
    broker.write({ acl: ['user anna', 'topic write home/hall', 'user bob', 'topic read home/kitchen'] });
    await broker.reload(PASSWORDS, line);
    await anna.publish('home/hall', 'after', { qos: 1 });
    expect(await refusalOf(anna.publish('home/kitchen', 'x', { qos: 1 }))).toBe(NOT_AUTHORIZED);
    await broker.reload(PASSWORDS);
    await anna.publish('home/kitchen', 'without rules', { qos: 1 });
    await expect.poll(() => got).toEqual(['before', 'without rules']);
    await Promise.all([anna.disconnect(), bob.disconnect()]);
  });

  it('with a line that is wrong, a reload is refused, and everything goes on as before', async () => {
    const broker = await GuardedBroker.start({ users: USERS, acl }, PASSWORDS, line);
    const anna = await broker.connect('anna', 'secret');
    broker.write({ acl: ['user anna', 'topic often home/#'], users: ['anna:word'] });
    const refused = broker.reload(PASSWORDS, line);
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toMatchObject({
      problems: expect.arrayContaining([expect.stringMatching(/\/users:1: /), expect.stringMatching(/\/acl:2: /)]),
    });
    await anna.publish('home/hall', 'x', { qos: 1 });
    await expect(anna.publish('garden', 'x', { qos: 1 })).rejects.toThrow(PublishRefused);
    await anna.disconnect();
    await (await broker.connect('bob', 'word')).disconnect();
  });
});

describe.each([
  ['none', undefined],
  ['short', 'not authorised'],
  ['full', expect.stringMatching(/^not authorised: .*\/acl:3: topic deny secret$/)],
])('access_reasons %s', (value, reasonString) => {
  it('decides what a client is told of why it may not', async () => {
    const acl = ['user anna', 'topic #', 'topic deny secret'];
    const broker = await GuardedBroker.start({ users: USERS, acl }, PASSWORDS, RULES, `access_reasons ${value}`);
    const anna = await broker.connect('anna', 'secret');
    await expect(anna.publish('secret', 'x', { qos: 1 })).rejects.toMatchObject({
      reasonCode: NOT_AUTHORIZED,
      reasonString,
    });
    await anna.disconnect();
  });
});

describe('plugin mosquitto_dynamic_security.so', () => {
  const plugin = ['plugin /usr/lib/mosquitto_dynamic_security.so', 'plugin_opt_config_file {folder}/dynsec.json'];

  /** Sends a command as the administrator of a file that was just made, and resolves with what is answered. */
  async function ask(admin: Client, topic: string, command: string): Promise<unknown> {
    const answered = new Promise<unknown>((resolve) => {
      void admin.subscribe(`${topic}/response`, {}, ({ payload }) =>
        resolve(JSON.parse(Buffer.from(payload).toString())),
      );
    });
    await admin.publish(topic, JSON.stringify({ commands: [{ command }] }), { qos: 1 });
    return answered;
  }

  it('lets in its clients, is administered by messages, and stays over a reload', async () => {
    const init = ['a long password'];
    const broker = await GuardedBroker.start({ init }, ...plugin, 'plugin_opt_password_init_file {folder}/init');
    expect(await refusalOf(broker.connect('admin', 'another'))).toBe(NOT_AUTHORIZED);
    const admin = await broker.connect('admin', 'a long password');
    const clients = { responses: [{ command: 'listClients', data: { clients: expect.arrayContaining(['admin']) } }] };
    expect(await ask(admin, '$CONTROL/dynamic-security/v1', 'listClients')).toMatchObject(clients);
    await broker.reload(...plugin, 'plugin_opt_password_init_file {folder}/init');
    expect(await ask(admin, '$CONTROL/dynamic-security/v1', 'listClients')).toMatchObject(clients);
    await admin.disconnect();
    await broker.reload('allow_anonymous true');
    await (await broker.connect('somebody', 'x')).disconnect();
  });

  it.each([
    [
      'true',
      { responses: [{ command: 'listListeners', data: { listeners: [{ port: 0, protocol: 'mqtt', tls: false }] } }] },
    ],
    ['false', { error: 'endpoint not available' }],
  ])('enable_control_api %s: whether $CONTROL/broker/v1 answers', async (flag, answer) => {
    const init = ['a long password'];
    const lines = [...plugin, 'plugin_opt_password_init_file {folder}/init', `enable_control_api ${flag}`];
    const broker = await GuardedBroker.start({ init }, ...lines);
    const admin = await broker.connect('admin', 'a long password');
    const answers: unknown[] = [];
    await admin.subscribe('$CONTROL/broker/v1/response', {}, ({ payload }) => {
      answers.push(JSON.parse(Buffer.from(payload).toString()));
    });
    await admin.publish('$CONTROL/broker/v1', JSON.stringify({ commands: [{ command: 'listListeners' }] }), { qos: 1 });
    // What is asked after it is answered after it.
    await ask(admin, '$CONTROL/dynamic-security/v1', 'listClients');
    expect(answers).toMatchObject([answer]);
    await admin.disconnect();
  });
});
