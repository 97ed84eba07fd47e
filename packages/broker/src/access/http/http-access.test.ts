import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReasonCode } from '@cauldron/codec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../../../test/support/manual-clock.js';
import { type HttpAccessConfig, newHttpAccessDraft } from '../../config/http-options.js';
import type { Admission, Credentials, Principal } from '../../core/ports/access.js';
import { DEFAULT_LISTENER } from '../../core/settings.js';
import { memoryLinkPair } from '../../transports/memory.js';
import { AccessFileError } from '../access-file-error.js';
import { readHttpFiles } from './http-files.js';
import { HttpGate } from './http-gate.js';
import { HttpRules } from './http-rules.js';
import { HttpService } from './http-service.js';
import { HttpSubscribers } from './http-subscribers.js';

interface Asked {
  readonly type: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

let server: Server;
let url: string;
let asked: Asked[];
let sockets: number;
/** What is answered, by what was asked. */
let answerTo: (text: string, response: ServerResponse) => void;
let folder: string;
const services: HttpService[] = [];
const clock = new ManualClock();

beforeEach(async () => {
  asked = [];
  sockets = 0;
  answerTo = (_text, response) => response.end();
  folder = mkdtempSync(join(tmpdir(), 'cauldron-http-'));
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      asked.push({ type: request.headers['content-type'], headers: request.headers, text });
      answerTo(text, response);
    });
  });
  server.on('connection', () => sockets++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth`;
});

afterEach(async () => {
  for (const service of services.splice(0)) service.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function serviceOf(changes: Partial<HttpAccessConfig> = {}): HttpService {
  const config = { ...newHttpAccessDraft(), ...changes };
  const service = new HttpService(config, readHttpFiles(config));
  services.push(service);
  return service;
}

function gateOf(changes: Partial<HttpAccessConfig> = {}): HttpGate {
  return new HttpGate(url, serviceOf(changes), changes.cacheMs ?? 0, clock);
}

function credentials(username: string | undefined, password?: string | Uint8Array): Credentials {
  const handler = { onRead() {}, onDrain() {}, onClose() {} };
  const { link } = memoryLinkPair(() => handler, { remoteAddress: '192.0.2.7' });
  const bytes = typeof password === 'string' ? new TextEncoder().encode(password) : password;
  return {
    link,
    listener: DEFAULT_LISTENER,
    protocolVersion: 5,
    clientId: 'phone',
    username,
    provenBy: null,
    password: bytes,
  };
}

const codeOf = (admission: Admission | null) =>
  admission === null ? 'next' : admission.admitted ? 'yes' : admission.reasonCode;

describe('a service that is asked who gets in', () => {
  it('is told all that there is to know, as JSON', async () => {
    writeFileSync(join(folder, 'headers'), '# for the broker\nX-Secret: 123\n');
    const gate = gateOf({ headersFile: join(folder, 'headers') });
    expect(await gate.authenticate(credentials('jjolie', 'pässword'))).toMatchObject({
      admitted: true,
      username: 'jjolie',
    });
    expect(JSON.parse(asked[0].text)).toEqual({
      username: 'jjolie',
      password: 'pässword',
      clientid: 'phone',
      ipaddress: '192.0.2.7',
      protocol: 5,
    });
    expect(asked[0].headers).toMatchObject({ 'x-secret': '123', 'content-type': 'application/json' });
  });

  it('is told the same as a form', async () => {
    await gateOf({ format: 'form' }).authenticate(credentials('a&b', 'p=1'));
    expect(asked[0].type).toBe('application/x-www-form-urlencoded');
    expect(Object.fromEntries(new URLSearchParams(asked[0].text))).toMatchObject({ username: 'a&b', password: 'p=1' });
  });

  it.each<[number, string, string | number]>([
    [200, '', 'yes'],
    [204, '', 'yes'],
    [200, 'ok', 'yes'],
    [200, 'allow\n', 'yes'],
    [200, '{"result": "allow"}', 'yes'],
    [200, '{"ok": true}', 'yes'],
    [200, '{"result": "deny"}', ReasonCode.NOT_AUTHORIZED],
    [200, '{"ok": false, "error": "no"}', ReasonCode.NOT_AUTHORIZED],
    [200, 'deny', ReasonCode.NOT_AUTHORIZED],
    [401, 'ok', ReasonCode.NOT_AUTHORIZED],
    [403, '', ReasonCode.NOT_AUTHORIZED],
    [404, '', ReasonCode.NOT_AUTHORIZED],
    [200, '{"result": "ignore"}', 'next'],
    [200, 'ignore', 'next'],
    [200, '<html>Please log in</html>', ReasonCode.SERVER_UNAVAILABLE],
    [200, '{"result": "yes"}', ReasonCode.SERVER_UNAVAILABLE],
    [200, '{}', ReasonCode.SERVER_UNAVAILABLE],
    [200, 'null', ReasonCode.SERVER_UNAVAILABLE],
    [200, 'x'.repeat(100_000), ReasonCode.SERVER_UNAVAILABLE],
    [302, '', ReasonCode.SERVER_UNAVAILABLE],
    [429, '', ReasonCode.SERVER_UNAVAILABLE],
    [500, 'ok', ReasonCode.SERVER_UNAVAILABLE],
  ])('that answers %i %j: %s', async (status, text, expected) => {
    answerTo = (_text, response) => response.writeHead(status).end(text);
    expect(codeOf(await gateOf().authenticate(credentials('a', 'b')))).toBe(expected);
  });

  it('that does not answer in time lets nobody in, and the log says so', async () => {
    answerTo = () => {};
    const answer = await gateOf({ timeoutMs: 50 }).authenticate(credentials('a', 'b'));
    expect(answer).toMatchObject({
      admitted: false,
      reasonCode: ReasonCode.SERVER_UNAVAILABLE,
      rule: `http_auth_url ${url}: no answer within 0.05 s (http_timeout)`,
    });
  });

  it('that stops in the middle of its answer, or is not there, lets nobody in', async () => {
    answerTo = (_text, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{"result": "allow"}');
      setImmediate(() => response.destroy());
    };
    expect(codeOf(await gateOf().authenticate(credentials('a', 'b')))).toBe(ReasonCode.SERVER_UNAVAILABLE);
    const gate = new HttpGate('http://127.0.0.1:1/', serviceOf(), 0, clock);
    expect(codeOf(await gate.authenticate(credentials('a', 'b')))).toBe(ReasonCode.SERVER_UNAVAILABLE);
  });

  it('is not asked about those who bring nothing, and about passwords that are no text', async () => {
    const gate = gateOf();
    expect(gate.authenticate(credentials(undefined))).toBe(null);
    expect(codeOf(await gate.authenticate(credentials('a', Uint8Array.of(0xff))))).toBe(ReasonCode.NOT_AUTHORIZED);
    expect(asked).toEqual([]);
  });

  it('is asked again about somebody whom it let in when that was a while ago, and always about others', async () => {
    const gate = gateOf({ cacheMs: 1000 });
    const ask = async (password: string) => codeOf(await gate.authenticate(credentials('a', password)));
    await ask('right');
    await ask('right');
    expect(asked).toHaveLength(1);
    await ask('other');
    expect(asked).toHaveLength(2);
    clock.advance(1000);
    await ask('right');
    expect(asked).toHaveLength(3);
    answerTo = (_text, response) => response.writeHead(403).end();
    await ask('wrong');
    await ask('wrong');
    expect(asked).toHaveLength(5);
  });

  it('is asked so many questions at once, over connections that stay open, and the others wait', async () => {
    const waiting: ServerResponse[] = [];
    answerTo = (_text, response) => void waiting.push(response);
    const gate = gateOf({ maxRequests: 2 });
    const answers = Promise.all(Array.from({ length: 6 }, (_, i) => gate.authenticate(credentials(`u${i}`, 'p'))));
    for (let answered = 0; answered < 6; ) {
      while (waiting.length === 0) await new Promise(setImmediate);
      expect(asked.length - answered).toBeLessThanOrEqual(2);
      answered++;
      waiting.shift()?.end();
    }
    expect((await answers).map(codeOf)).toEqual(new Array(6).fill('yes'));
    expect(sockets).toBe(2);
  });

  it('answers what was asked before another took its place, and keeps no connection then', async () => {
    let answer = (): void => {};
    answerTo = (_text, response) => {
      answer = () => void response.end();
    };
    const service = serviceOf();
    const gate = new HttpGate(url, service, 0, clock);
    const admission = gate.authenticate(credentials('a', 'b'));
    while (asked.length === 0) await new Promise(setImmediate);
    service.retire();
    answer();
    expect(codeOf(await admission)).toBe('yes');
    const left = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    while ((await left()) > 0) await new Promise(setImmediate);
  });

  it('does not keep those waiting for ever who wait for their turn', async () => {
    answerTo = () => {};
    const gate = gateOf({ maxRequests: 1, timeoutMs: 50 });
    const answers = await Promise.all([1, 2, 3].map((i) => gate.authenticate(credentials(`u${i}`, 'p'))));
    expect(answers.map(codeOf)).toEqual(new Array(3).fill(ReasonCode.SERVER_UNAVAILABLE));
    answerTo = (_text, response) => response.end();
    expect(codeOf(await gate.authenticate(credentials('a', 'b')))).toBe('yes');
  });
});

describe('a service that is asked about topics', () => {
  const client: Principal = { clientId: 'phone', username: 'jjolie', address: '192.0.2.7', access: '' };

  function rulesOf(changes: Partial<HttpAccessConfig> = {}, isAlone = true): HttpRules {
    const { cacheMs = 1000 } = changes;
    return new HttpRules(url, serviceOf(changes), { cacheMs, clock, isAlone, subscribers: new HttpSubscribers() });
  }

  it('is told what a client wants to do', async () => {
    const rules = rulesOf();
    expect(await rules.mayPublish(client, 'a/b')).toMatchObject({ allowed: true });
    await rules.maySubscribe(client, 'a/#', 1);
    const about = { username: 'jjolie', clientid: 'phone', ipaddress: '192.0.2.7' };
    expect(asked.map(({ text }) => JSON.parse(text))).toEqual([
      { ...about, topic: 'a/b', action: 'publish', acc: 2 },
      { ...about, topic: 'a/#', action: 'subscribe', acc: 4, qos: 1 },
    ]);
  });

  it('is not asked again for a while, and whoever remembers its answers is told when that is over', async () => {
    const rules = rulesOf();
    let changes = 0;
    rules.onChange = () => changes++;
    answerTo = (_text, response) => response.end('deny');
    expect(await rules.mayPublish(client, 'a')).toMatchObject({ allowed: false });
    await rules.mayPublish(client, 'a');
    expect(asked).toHaveLength(1);
    clock.advance(999);
    expect(changes).toBe(0);
    clock.advance(1);
    expect(changes).toBe(1);
    await rules.mayPublish(client, 'a');
    expect(asked).toHaveLength(2);
    rules.close();
    clock.advance(5000);
    expect(changes).toBe(1);
  });

  it('that gives no answer allows nothing, and is asked again at once', async () => {
    const rules = rulesOf();
    answerTo = (_text, response) => response.writeHead(500).end();
    expect(await rules.mayPublish(client, 'a')).toEqual({
      allowed: false,
      rule: `http_acl_url ${url}: it answers 500`,
    });
    answerTo = (_text, response) => response.end();
    expect(await rules.mayPublish(client, 'a')).toMatchObject({ allowed: true });
    rules.close();
  });

  it('decides about messages by what a client was allowed to subscribe to', async () => {
    const rules = rulesOf({}, false);
    await rules.maySubscribe(client, 'a/#', 0);
    expect(rules.mayReceive(client, 'a/b')).toMatchObject({ allowed: true });
    expect(rules.mayReceive(client, 'b')).toBe(null);
    expect(rules.mayReceive({ ...client, username: 'fred' }, 'a/b')).toMatchObject({ allowed: false });
    expect(rules.mayReceive({ clientId: 'away', username: 'x', address: '' }, 'a')).toMatchObject({ allowed: true });
    rules.close();
  });

  it('has answers forgotten that a new subscription changes', async () => {
    const rules = rulesOf({}, false);
    let changes = 0;
    rules.onChange = () => changes++;
    await rules.maySubscribe(client, 'a/#', 0);
    await rules.maySubscribe(client, 'a/#', 0);
    expect(changes).toBe(1);
    await rules.maySubscribe({ ...client, username: 'fred' }, 'a/#', 0);
    expect(changes).toBe(2);
    expect(rules.mayReceive(client, 'a/b')).toMatchObject({ allowed: false });
    rules.close();
  });

  it('leaves messages to others if it leaves the subscription to them', async () => {
    const rules = rulesOf({}, false);
    answerTo = (_text, response) => response.end('ignore');
    expect(await rules.maySubscribe(client, 'a/#', 0)).toBe(null);
    expect(rules.mayReceive(client, 'a/b')).toBe(null);
    rules.close();
  });
});

describe('files for the questions', () => {
  function problemsOf(changes: Partial<HttpAccessConfig>): string[] {
    try {
      readHttpFiles({ ...newHttpAccessDraft(), ...changes });
      return [];
    } catch (error) {
      if (!(error instanceof AccessFileError)) throw error;
      return error.problems.map((problem) => problem.replaceAll(folder, ''));
    }
  }

  it('are refused with all that is wrong with them, and no secret is shown', () => {
    writeFileSync(join(folder, 'h'), 'X-A: 1\nno colon\nX-A: secret\nHost: secret\nX B: secret\nX-C: sec\u0007ret\n');
    writeFileSync(join(folder, 'ca'), 'no certificate');
    const problems = problemsOf({ headersFile: join(folder, 'h') });
    expect(problems.map((problem) => problem.slice(0, 4))).toEqual(['/h:2', '/h:3', '/h:4', '/h:5', '/h:6']);
    expect(problems.join('')).not.toContain('secret');
    expect(problemsOf({ caFile: join(folder, 'ca') })).toEqual([
      "/ca:1: there is no certificate in PEM form ('-----BEGIN CERTIFICATE-----').",
    ]);
    expect(problemsOf({ headersFile: join(folder, 'missing') })).toEqual(['/missing: there is no such file.']);
  });
});
