import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';

const PAGE = `<!doctype html>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>MQTT in a browser</title>
<script src="/node_modules/mqtt/dist/mqtt.min.js"></script>
<script type="importmap">{ "imports": { "@cauldron/codec": "/packages/codec/dist/index.js" } }</script>
<script type="module">
  import * as codec from '@cauldron/codec';
  import * as client from '/packages/client/dist/browser.js';
  Object.assign(window, { codec, client });
</script>
`;

/** What the page has put there. */
interface PageWindow {
  readonly mqtt: typeof import('mqtt');
  readonly client: typeof import('../../packages/client/src/browser.js');
  readonly codec: typeof import('@cauldron/codec');
}

const FLAGS = [
  '--no-sandbox', // CI runs as root in a container
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(!areInstalled('chromium'))('a browser', () => {
  let broker: BrokerProcess;
  let files: Server;
  let browser: Browser;
  let page: Page;
  let problems: string[];
  let pageUrl: string;

  beforeAll(async () => {
    files = createServer((request, response) => {
      const path = request.url ?? '/';
      if (path === '/strict') response.setHeader('Content-Security-Policy', "worker-src 'none'");
      if (path === '/' || path === '/strict') response.setHeader('Content-Type', 'text/html').end(PAGE);
      else if (!/^\/(node_modules\/mqtt|packages\/\w+)\/dist\/[\w./-]+\.js$/.test(path)) response.writeHead(404).end();
      else {
        const file = fileURLToPath(new URL(`../..${path}`, import.meta.url));
        response.setHeader('Content-Type', 'text/javascript').end(readFileSync(file));
      }
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const address = files.address();
    if (address === null || typeof address === 'string') throw new Error('The file server has no port');
    pageUrl = `http://127.0.0.1:${address.port}/`;
    [broker, browser] = await Promise.all([
      BrokerProcess.start(),
      chromium.launch({ executablePath: programPath('chromium'), args: FLAGS }),
    ]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([browser.close(), broker.stop()]);
    files.close();
  });

  beforeEach(async () => {
    page = await browser.newPage();
    problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
    await page.goto(pageUrl);
  });

  afterEach(async () => {
    await page.close();
    expect(problems).toEqual([]);
  });

  it.each([4, 5] as const)(
    'with MQTT.js publishes and gets messages of each QoS (protocol version %i)',
    async (version) => {
      const got = await page.evaluate(
        async ({ url, version }) => {
          const { connectAsync } = (window as unknown as PageWindow).mqtt;
          const client = await connectAsync(url, {
            protocolVersion: version,
            clientId: `browser-${version}`,
            reconnectPeriod: 0,
          });
          const messages: unknown[] = [];
          const all = new Promise<void>((resolve) => {
            client.on('message', (topic, payload, { qos, retain }) => {
              if (messages.push({ topic, text: new TextDecoder().decode(payload), qos, retain }) === 4) resolve();
            });
          });
          await client.publishAsync(`browser/${version}/kept`, 'retained', { qos: 1, retain: true });
          await client.subscribeAsync(`browser/${version}/#`, { qos: 2 });
          for (const qos of [0, 1, 2] as const)
            await client.publishAsync(`browser/${version}/ü`, `grüße ${qos}`, { qos });
          await all;
          await client.endAsync();
          return messages;
        },
        { url: `ws://127.0.0.1:${broker.port}/mqtt`, version },
      );
      expect(got).toEqual([
        { topic: `browser/${version}/kept`, text: 'retained', qos: 1, retain: true },
        ...[0, 1, 2].map((qos) => ({ topic: `browser/${version}/ü`, text: `grüße ${qos}`, qos, retain: false })),
      ]);
    },
  );

  it.each([3, 4, 5] as const)(
    'with our client gets what it publishes, 1 MB of it at once (protocol version %i)',
    async (version) => {
      const got = await page.evaluate(
        async ({ url, version }) => {
          const { connect } = (window as unknown as PageWindow).client;
          const client = await connect(url, { protocolVersion: version, reconnect: false });
          const lengths: number[] = [];
          const all = new Promise<void>((resolve) => {
            const handler = ({ payload }: { payload: Uint8Array }) => {
              if (lengths.push(payload.length) === 3) resolve();
            };
            void client.subscribe('own/#', { qos: 2 }, handler);
          });
          for (const qos of [0, 1, 2] as const)
            await client.publish('own/x', new Uint8Array(10 ** (2 * qos + 2)), { qos });
          await all;
          await client.disconnect();
          return lengths;
        },
        { url: `ws://127.0.0.1:${broker.port}`, version },
      );
      expect(got).toEqual([100, 10_000, 1_000_000]);
    },
  );

  it('takes its time from a worker, for as long as a client is there', async () => {
    const url = `ws://127.0.0.1:${broker.port}`;
    await page.evaluate(async (url) => {
      const { connect } = (window as unknown as PageWindow).client;
      Object.assign(window, { connected: await connect(url) });
    }, url);
    expect(page.workers()).toHaveLength(1);
    const [worker] = page.workers();
    const gone = worker.waitForEvent('close');
    await page.evaluate(() =>
      (window as unknown as { connected: { disconnect(): Promise<void> } }).connected.disconnect(),
    );
    await gone;
    expect(page.workers()).toEqual([]);
  });

  it('keeps a client alive where the page may have no workers', async () => {
    await page.goto(`${pageUrl}strict`);
    const pings = await page.evaluate(async (url) => {
      const { connect } = (window as unknown as PageWindow).client;
      let pings = 0;
      const client = await connect(url, {
        keepAliveSeconds: 1,
        trace: (_, { type }) => {
          if (type === 13) pings++;
        },
      });
      await new Promise<void>((resolve) => {
        const look = () => (pings < 2 ? setTimeout(look, 10) : resolve());
        look();
      });
      await client.disconnect();
      return pings;
    }, `ws://127.0.0.1:${broker.port}`);
    expect(pings).toBe(2);
    // The browser itself says that it did not make one.
    expect(problems.splice(0).join()).toMatch(/worker-src 'none'/);
  });

  it('says what a page cannot do', async () => {
    const message = await page.evaluate(async () => {
      const { connect } = (window as unknown as PageWindow).client;
      return connect('mqtt://127.0.0.1').then(String, String);
    });
    expect(message).toMatch(/^TypeError: In a browser a URL begins with ws: or wss:/);
  });

  it('takes a packet apart and puts it together again with the codec', async () => {
    const got = await page.evaluate(() => {
      const { decodePacket, encodePacket, Framer, PacketType } = (window as unknown as PageWindow).codec;
      const publish = {
        type: PacketType.PUBLISH,
        topic: 'größe',
        payload: new TextEncoder().encode('grüße'),
        qos: 1,
        retain: false,
        dup: false,
        packetId: 7,
        properties: { contentType: 'text/plain', userProperties: [['colour', 'grün']] },
      } as const;
      const bytes = encodePacket(publish, 5);
      const framer = new Framer();
      framer.feed(bytes, bytes.length);
      if (!framer.next()) throw new Error('no frame');
      const decoded = decodePacket(framer.bytes, framer.start, framer.body, framer.end, 5);
      return { publish: JSON.stringify(publish), decoded: JSON.stringify(decoded), length: bytes.length };
    });
    expect(JSON.parse(got.decoded)).toEqual(JSON.parse(got.publish));
    expect(got.length).toBeGreaterThan(30);
  });
});
