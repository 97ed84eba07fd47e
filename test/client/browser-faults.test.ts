import type { Server as WebServer } from 'node:http';
import { readConfig, type Server, startServer } from '@cauldron/broker';
import { connect } from '@cauldron/client';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../packages/cli/src/torture/random.js';
import { areInstalled, programPath } from '../support/programs.js';
import { causeFaults } from './fault-sequence.js';
import { FaultyNetwork } from './faulty-network.js';
import { servePage } from './page-bundle.js';
import type { pageProgram } from './page-program.js';

/** Further figures for a long run: `FAULT_CUTS=5000 FAULT_SEED=7 npx vitest run test/client`. */
const CUTS = Number(process.env.FAULT_CUTS ?? 200);
const RELOADS = Number(process.env.OUTBOX_KILLS ?? 6);
const SEED = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 32));
const LIMIT_MS = 60_000 + CUTS * 300;

const FLAGS = [
  '--no-sandbox', // CI runs as root in a container
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const CONFIG = [
  'listener 0 127.0.0.1',
  'allow_anonymous true',
  'log_type none',
  'max_queued_messages 0',
  'max_queued_bytes 0',
];

type Program = typeof pageProgram;

/** What the page has, and what the test has given it. */
interface PageWindow {
  readonly pageProgram: Program;
  readonly stored: (message: string) => void;
  correspondence: Awaited<ReturnType<Program['Correspondence']['begin']>>;
}

describe.skipIf(!areInstalled('chromium'))('in Chromium', () => {
  let web: { url: string; server: WebServer };
  let browser: Browser;
  let page: Page;
  let server: Server;
  let random: Random;
  let network: FaultyNetwork;

  beforeAll(async () => {
    [web, browser] = await Promise.all([
      servePage(),
      chromium.launch({ executablePath: programPath('chromium'), args: FLAGS }),
    ]);
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    web.server.close();
  });

  beforeEach(async () => {
    random = new Random(SEED);
    server = await startServer(readConfig(CONFIG.join('\n'), 'faults'));
    network = await FaultyNetwork.start(random, server.endpoints[0].port);
    page = await browser.newPage();
    await page.goto(web.url);
  });

  afterEach(async () => {
    await page.close();
    await network.stop();
    await server.stop();
  });

  it.each([
    [5, CUTS],
    [4, Math.ceil(CUTS / 4)],
  ] as const)(
    `messages with QoS 2 arrive once and in order, those with QoS 1 at least once (protocol version %i, %i cuts, seed ${SEED})`,
    async (version, cuts) => {
      await page.evaluate(
        async ({ url, version }) => {
          const globals = window as unknown as PageWindow;
          globals.correspondence = await globals.pageProgram.Correspondence.begin(url, {
            protocolVersion: version,
            clean: version === 5,
            keepAliveSeconds: 1,
            pingTimeoutMs: 100,
            connectTimeoutMs: 500,
            reconnect: { minDelayMs: 1, maxDelayMs: 20, initially: true },
          });
        },
        { url: `ws://127.0.0.1:${network.port}/mqtt`, version },
      );

      await causeFaults(network, random, cuts, (count) =>
        page.evaluate((count) => (window as unknown as PageWindow).correspondence.untilReceived(count), count),
      );

      network.calm();
      const { ended, exchanges } = await page.evaluate(() => (window as unknown as PageWindow).correspondence.finish());
      for (const { sent, received } of exchanges) {
        expect(sent).toBeGreaterThan(cuts);
        expect(received[2]).toEqual(Array.from({ length: sent }, (_, number) => number));
        expect(new Set(received[1]).size).toBe(sent);
      }
      expect(ended).toBeGreaterThanOrEqual(cuts);
    },
    LIMIT_MS,
  );

  it(`what an outbox in IndexedDB has stored survives the page, with QoS 2 exactly once (seed ${SEED})`, async () => {
    const url = `ws://127.0.0.1:${network.port}/mqtt`;
    const received: Readonly<Record<'mortal/1' | 'mortal/2', string[]>> = { 'mortal/1': [], 'mortal/2': [] };
    const reader = await connect(`mqtt://127.0.0.1:${server.endpoints[0].port}`);
    await reader.subscribe('mortal/+', { qos: 2 }, (message) => {
      received[message.topic as keyof typeof received].push(message.text());
    });
    const stored: string[] = [];
    let enough = Number.POSITIVE_INFINITY;
    let tell = () => {};
    await page.exposeFunction('stored', (message: string) => {
      if (stored.push(message) >= enough) tell();
    });

    for (let run = 0; run < RELOADS; run++) {
      network.treatment = { largestPiece: random.pick([20, 1_000_000]), delayChance: 0.05, longestDelayMs: 4 };
      enough = stored.length + 1 + random.below(60);
      const hasStoredEnough = new Promise<void>((resolve) => {
        tell = resolve;
      });
      const gone = page
        .evaluate(
          async ({ url, run }) => {
            const { pageProgram, stored } = window as unknown as PageWindow;
            const publisher = await pageProgram.LastingPublisher.begin(url, 'mortal');
            await publisher.write(run, stored);
          },
          { url, run },
        )
        .catch(String);
      await Promise.race([hasStoredEnough, gone.then((error) => Promise.reject(new Error(`run ${run}: ${error}`)))]);
      await page.reload();
      expect(await gone).toMatch(/Execution context was destroyed/);
    }
    network.calm();
    await page.evaluate(async (url) => {
      const { pageProgram } = window as unknown as PageWindow;
      const publisher = await pageProgram.LastingPublisher.begin(url, 'mortal');
      await publisher.finish();
    }, url);
    await reader.publish('mortal/1', 'end', { qos: 1 });
    await expect.poll(() => received['mortal/1'].at(-1)).toBe('end');

    const all = new Set([...received['mortal/1'], ...received['mortal/2']]);
    expect(stored.filter((message) => !all.has(message))).toEqual([]);
    expect(new Set(received['mortal/2']).size).toBe(received['mortal/2'].length);
    expect(stored.length).toBeGreaterThan(RELOADS);
    await reader.disconnect();
  });
});
