import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@cauldron/broker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfiguredBroker } from './configured-broker.js';

const NOT_AUTHORIZED = 0x87;
const SERVER_UNAVAILABLE = 0x88;
const BANNED = 0x8a;
const SECRET = 'a secret that nobody can guess, ever';

function folderFor(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-ways-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function tokenOf(claims: object, secret = SECRET): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'HS256' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

/** A service that gets questions in JSON. */
async function service(
  answer: (question: Record<string, unknown>) => number,
): Promise<{ url: string; asked: unknown[] }> {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const question = JSON.parse(text) as Record<string, unknown>;
      asked.push(question);
      response.writeHead(answer(question)).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
}

async function codeFor(broker: ConfiguredBroker, password: string, username?: string): Promise<number> {
  const client = await broker.client();
  const fields = { clientId: 'c', password, ...(username !== undefined && { username }) };
  return (await client.tryConnect(fields)).reasonCode;
}

describe('tokens', () => {
  it('jwt_secret_file: lets in who has a token, with the rights that it says, and nobody else', async () => {
    const folder = folderFor({ secret: SECRET });
    const broker = await ConfiguredBroker.start('allow_anonymous false', `jwt_secret_file ${folder}/secret`);
    const password = tokenOf({ sub: 'jjolie', exp: inAnHour(), publ: ['a'], subs: ['a'] });
    const client = await broker.client();
    await client.connect({ clientId: 'c', password });
    expect((await client.subscribe('a')).reasonCodes).toEqual([2]);
    expect((await client.subscribe('b')).reasonCodes).toEqual([NOT_AUTHORIZED]);
    await client.publish({ topic: 'b', payload: 'no', qos: 0 });
    await client.publish({ topic: 'a', payload: 'yes', qos: 0 });
    expect((await client.receiveMessage()).payload.toString()).toBe('yes');
    expect(await codeFor(broker, tokenOf({ sub: 'jjolie', exp: inAnHour() }, 'another secret'))).toBe(NOT_AUTHORIZED);
    expect(await codeFor(broker, 'no token', 'jjolie')).toBe(NOT_AUTHORIZED);
  });

  it('a will that the token does not allow is refused with its CONNECT', async () => {
    const folder = folderFor({ secret: SECRET });
    const broker = await ConfiguredBroker.start('allow_anonymous false', `jwt_secret_file ${folder}/secret`);
    const password = tokenOf({ sub: 'jjolie', exp: inAnHour(), publ: ['a'] });
    const codes = [];
    for (const topic of ['a', 'b']) {
      const client = await broker.client();
      codes.push((await client.tryConnect({ clientId: topic, password, will: { topic } })).reasonCode);
    }
    expect(codes).toEqual([0, NOT_AUTHORIZED]);
    expect(await broker.written()).toContain('its will: the token does not allow the client to publish to it');
  });

  it('what was retained is there after a restart, though the token is not known any more', async () => {
    const folder = folderFor({ secret: SECRET });
    const lines = [
      'allow_anonymous true',
      `jwt_secret_file ${folder}/secret`,
      'persistence true',
      `persistence_location ${folder}`,
    ];
    const broker = await ConfiguredBroker.start(...lines);
    const client = await broker.client();
    await client.connect({ clientId: 'c', password: tokenOf({ sub: 'jjolie', exp: inAnHour(), publ: ['a'] }) });
    await client.publish({ topic: 'a', payload: 'kept', qos: 1, retain: true });
    await broker.stop();
    const again = await ConfiguredBroker.start(...lines);
    const reader = await again.connected('reader');
    await reader.subscribe('a');
    expect((await reader.receiveMessage()).payload.toString()).toBe('kept');
  });

  it('a token without rights leaves all topics open where there are no other rules', async () => {
    const folder = folderFor({ secret: SECRET });
    const broker = await ConfiguredBroker.start('allow_anonymous false', `jwt_secret_file ${folder}/secret`);
    const client = await broker.client();
    await client.connect({ clientId: 'c', password: tokenOf({ sub: 'a', exp: inAnHour() }) });
    expect((await client.subscribe('#')).reasonCodes).toEqual([2]);
  });

  it('a token that ends is the end of the connection', async () => {
    const folder = folderFor({ secret: SECRET });
    const broker = await ConfiguredBroker.start('allow_anonymous false', `jwt_secret_file ${folder}/secret`);
    const client = await broker.client();
    await client.connect({ clientId: 'c', password: tokenOf({ sub: 'a', exp: Math.floor(Date.now() / 1000) + 2 }) });
    expect((await client.receive('DISCONNECT')).reasonCode).toBe(NOT_AUTHORIZED);
  });

  it('a reload reads keys again, and one that cannot be read changes nothing', async () => {
    const folder = folderFor({ secret: SECRET });
    const lines = ['allow_anonymous false', `jwt_secret_file ${folder}/secret`];
    const broker = await ConfiguredBroker.start(...lines);
    const other = 'another secret, which is as long';
    const password = tokenOf({ sub: 'a', exp: inAnHour() }, other);
    expect(await codeFor(broker, password)).toBe(NOT_AUTHORIZED);
    const again = readConfig(['listener 0 127.0.0.1', 'log_dest none', ...lines].join('\n'), 'test.conf');
    writeFileSync(join(folder, 'secret'), 'short');
    await expect(broker.server.reload(again)).rejects.toThrow(/secret:1: the secret has 5 bytes/);
    expect(await codeFor(broker, tokenOf({ sub: 'a', exp: inAnHour() }))).toBe(0);
    writeFileSync(join(folder, 'secret'), other);
    await broker.server.reload(again);
    expect(await codeFor(broker, password)).toBe(0);
  });
});

describe('an HTTP service', () => {
  it('http_auth_url: is asked who gets in', async () => {
    const { url, asked } = await service(({ password }) => (password === 'right' ? 200 : 403));
    const broker = await ConfiguredBroker.start('allow_anonymous false', `http_auth_url ${url}`);
    expect(await codeFor(broker, 'right', 'jjolie')).toBe(0);
    expect(await codeFor(broker, 'wrong', 'jjolie')).toBe(NOT_AUTHORIZED);
    expect(asked[0]).toMatchObject({ username: 'jjolie', clientid: 'c', ipaddress: '127.0.0.1' });
  });

  it('http_auth_url: nobody gets in while it does not answer', async () => {
    const { url } = await service(() => 500);
    const broker = await ConfiguredBroker.start('allow_anonymous false', `http_auth_url ${url}`);
    expect(await codeFor(broker, 'right', 'jjolie')).toBe(SERVER_UNAVAILABLE);
    expect(await broker.written()).toContain('it answers 500');
  });

  it('http_acl_url: is asked what clients may publish and subscribe to', async () => {
    const { url } = await service(({ topic }) => (topic === 'a' || topic === 'a/#' ? 204 : 403));
    const broker = await ConfiguredBroker.start(`http_acl_url ${url}`);
    const client = await broker.connected('c');
    expect((await client.subscribe('a/#')).reasonCodes).toEqual([2]);
    expect((await client.subscribe('#')).reasonCodes).toEqual([NOT_AUTHORIZED]);
    await client.publish({ topic: 'a/b', payload: 'no', qos: 0 });
    await client.publish({ topic: 'a', payload: 'yes', qos: 0 });
    expect((await client.receiveMessage()).payload.toString()).toBe('yes');
  });

  it('auth_order http jwt: the service is asked first', async () => {
    const folder = folderFor({ secret: SECRET });
    const { url, asked } = await service(() => 403);
    const ways = ['allow_anonymous false', `http_auth_url ${url}`, `jwt_secret_file ${folder}/secret`];
    const password = tokenOf({ sub: 'a', exp: inAnHour() });
    expect(await codeFor(await ConfiguredBroker.start(...ways), password)).toBe(0);
    expect(asked).toHaveLength(0);
    expect(await codeFor(await ConfiguredBroker.start(...ways, 'auth_order http jwt'), password)).toBe(NOT_AUTHORIZED);
    expect(asked).toHaveLength(1);
  });
});

describe('who is turned away', () => {
  const guess = ['allow_anonymous false', 'abuse_exempt none'];

  it('auth_lockout_failures 2: an address, after two failures', async () => {
    const folder = folderFor({ secret: SECRET });
    const broker = await ConfiguredBroker.start(
      ...guess,
      `jwt_secret_file ${folder}/secret`,
      'auth_lockout_failures 2',
      'auth_lockout_seconds 100',
    );
    const codes = [];
    for (let i = 0; i < 3; i++) codes.push(await codeFor(broker, 'wrong', 'jjolie'));
    expect(codes).toEqual([NOT_AUTHORIZED, NOT_AUTHORIZED, BANNED]);
    expect(await codeFor(broker, tokenOf({ sub: 'jjolie', exp: inAnHour() }))).toBe(BANNED);
    expect(await broker.written()).toContain('Locked out for 100 s after 2 failed logins: address 127.0.0.1.');
  });

  it('auth_lockout_user_failures 2: a user name, after two failures', async () => {
    const broker = await ConfiguredBroker.start(...guess, 'auth_lockout_user_failures 2', 'auth_lockout_failures -1');
    const codes = [];
    for (let i = 0; i < 3; i++) codes.push(await codeFor(broker, 'wrong', 'jjolie'));
    expect(codes).toEqual([NOT_AUTHORIZED, NOT_AUTHORIZED, BANNED]);
    expect(await codeFor(broker, 'wrong', 'fred')).toBe(NOT_AUTHORIZED);
  });

  it('abuse_exempt: who is there never has to wait', async () => {
    const broker = await ConfiguredBroker.start('allow_anonymous false', 'auth_lockout_failures 1');
    for (let i = 0; i < 5; i++) expect(await codeFor(broker, 'wrong', 'jjolie')).toBe(NOT_AUTHORIZED);
  });

  it('max_connect_rate 1: ten connections in one go, and no more', async () => {
    const broker = await ConfiguredBroker.start('abuse_exempt none', 'max_connect_rate 1');
    const clients = [];
    for (let i = 0; i < 10; i++) clients.push(await broker.connected(`c${i}`));
    expect(await (await broker.client()).ended()).toEqual([]);
    expect(clients).toHaveLength(10);
  });

  it('bans_file: who stands in it, and who is put there', async () => {
    const folder = folderFor({ 'bans.json': '{"bans": [{"kind": "client", "value": "eve"}]}' });
    const broker = await ConfiguredBroker.start(`bans_file ${folder}/bans.json`);
    expect((await (await broker.client()).tryConnect({ clientId: 'eve' })).reasonCode).toBe(BANNED);
    await broker.connected('fred');
    broker.server.door.bans.add('user', 'root', 'a test', null);
    expect(readFileSync(join(folder, 'bans.json'), 'utf8')).toContain('"root"');
  });

  it('a list of bans that cannot be read keeps the broker from starting', async () => {
    const folder = folderFor({ 'bans.json': 'nonsense' });
    await expect(ConfiguredBroker.start(`bans_file ${folder}/bans.json`)).rejects.toThrow(
      /bans\.json:1: it is not JSON/,
    );
  });
});

describe('who publishes too much', () => {
  it.each([
    ['max_publish_rate 5', 5],
    ['max_publish_bytes_rate 60', 5],
  ])('%s: is not read for a while, and loses nothing', async (line, atOnce) => {
    const broker = await ConfiguredBroker.start(line);
    const subscriber = await broker.connected('subscriber');
    await subscriber.subscribe({ filter: '#', qos: 0 });
    const publisher = await broker.connected('publisher', 4);
    const startedMs = performance.now();
    // Each packet has 12 bytes.
    for (let i = 0; i < 10; i++) await publisher.publish({ topic: 't', payload: `message${i % 10}`.slice(1), qos: 0 });
    for (let i = 0; i < 10; i++) await subscriber.receiveMessage();
    expect(performance.now() - startedMs).toBeGreaterThan(((10 - atOnce - 1) / 5) * 1000);
  });
});
