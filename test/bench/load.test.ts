import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, type Server, startServer } from '@cauldron/broker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildGenerator, LoadRun, Pinger, speaksTls } from '../../bench/generator.js';
import { certificates } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { areInstalled } from '../support/programs.js';

const TIMEOUT_MS = 50_000;

describe.skipIf(!areInstalled('gcc', 'openssl'))('the load generator', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-load-'));
  const ports = { tcp: 0, websocket: 0, tls: 0 };
  let server: Server;

  beforeAll(async () => {
    expect(buildGenerator()).toBeUndefined();
    ports.tcp = await freePort();
    ports.websocket = await freePort();
    ports.tls = await freePort();
    const { certFile, keyFile } = await certificates();
    const lines = [
      'allow_anonymous true',
      'log_type none',
      'max_queued_messages 0',
      `listener ${ports.tcp} 127.0.0.1`,
      `listener ${ports.websocket} 127.0.0.1`,
      'protocol websockets',
      `listener ${ports.tls} 127.0.0.1`,
      `certfile ${certFile}`,
      `keyfile ${keyFile}`,
      'tls_version tlsv1.3',
    ];
    server = await startServer(readConfig(lines.join('\n'), join(folder, 'broker.conf')));
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  /** The lines of a run, each of which but the last is answered. */
  async function load(args: string, port = ports.tcp) {
    const times = args.includes('--count') ? [] : ['--secs', '0.3', '--warm', '0.1'];
    const run = new LoadRun(['--port', String(port), ...args.split(' '), ...times], undefined, TIMEOUT_MS);
    try {
      return await run.next();
    } finally {
      await run.stop();
    }
  }

  test.each([
    ['MQTT 5 with user properties and an alias, QoS 0', '--v5 --user-properties 2 --alias --shape pair --pubs 3'],
    [
      'MQTT 5 with user properties and an alias, QoS 1',
      '--v5 --user-properties 2 --alias --qos 1 --shape pair --pubs 3',
    ],
    ['many topics', '--shape pair --pubs 2 --topics 5000'],
    ['a fixed rate', '--shape pair --pubs 5 --rate 500'],
    ['mixed clients', '--shape mixed --pubs 50 --topics 5 --undelivered 100'],
    ['QoS 2', '--qos 2 --shape fanout --subs 5 --window 20'],
  ])('gets back all that it sent: %s', async (_what, args) => {
    const report = await load(args);
    expect(report.received_per_s).toBeGreaterThan(100);
    expect(report.lost).toBe(0);
  });

  test.each(['--shape pair --pubs 3', '--qos 2 --shape pair --pubs 3 --size 70000 --window 4'])(
    'speaks WebSocket: %s',
    async (args) => {
      const report = await load(`--websocket ${args}`, ports.websocket);
      expect(report.received_per_s).toBeGreaterThan(10);
      expect(report.lost).toBe(0);
    },
  );

  test.skipIf(!speaksTls()).each(['--shape pair --pubs 3', '--qos 1 --shape pair --pubs 3 --size 70000 --window 4'])(
    'speaks TLS: %s',
    async (args) => {
      const report = await load(`--tls ${args}`, ports.tls);
      expect(report.received_per_s).toBeGreaterThan(10);
      expect(report.lost).toBe(0);
    },
  );

  test('subscribes to many different filters, and publishes to as many of them as it is told, step by step', async () => {
    const args = '--shape spread --subs 20 --filters 25 --pubs 2 --active 20,500 --steps --secs 0.3 --warm 0.1';
    const run = new LoadRun(['--port', String(ports.tcp), ...args.split(' ')], undefined, TIMEOUT_MS);
    try {
      expect(await run.next()).toMatchObject({ step: 'connected', clients: 20 });
      run.go();
      expect(await run.next()).toMatchObject({ step: 'subscribed', subscriptions: 500 });
      run.go();
      expect(await run.next()).toMatchObject({ active: 20, lost: 0 });
      const report = await run.next();
      expect(report).toMatchObject({ active: 500, lost: 0 });
      expect(report.received_per_s).toBeGreaterThan(100);
    } finally {
      await run.stop();
    }
  });

  test('counts retained messages of a filter, and how long the answer took', async () => {
    const filled = await load('--shape site --retain --qos 1 --pubs 10 --subs 0 --window 20 --count 3000');
    expect(filled.unacked).toBe(0);
    const answered = await load('--shape site --retain --pubs 0 --count 1000 --filter site/+/state');
    expect(answered).toMatchObject({ received: 1000, lost: 0 });
    expect(answered.answer_ms).toBeGreaterThan(0);
    expect((await load('--shape site --retain --pubs 0 --count 3000 --filter site/#')).received).toBe(3000);
  });

  test('connects everybody again over what they have, and gets all wills, while another client pings', async () => {
    const pinger = await Pinger.start(ports.tcp, '-', undefined, TIMEOUT_MS);
    const run = new LoadRun(
      ['--port', String(ports.tcp), '--shape', 'storm', '--subs', '200', '--steps'],
      undefined,
      TIMEOUT_MS,
    );
    try {
      expect(await run.next()).toMatchObject({ step: 'connected', clients: 200 });
      run.go();
      expect(await run.next()).toMatchObject({ lost: 0, left_open: 0 });
      expect(await pinger.longestMs()).toBeGreaterThan(0);
    } finally {
      await run.stop();
      await pinger.stop();
    }
  });

  test('says what is wrong with its options', async () => {
    await expect(load('--alias')).rejects.toThrow('load: properties go with --v5');
    await expect(load('--tls --websocket')).rejects.toThrow('load: --tls and --websocket do not go together');
  });
});
