import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authority, DAY_MS } from '../../packages/cli/src/setup/authority.js';
import { runCauldron } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { MadeSetup } from '../support/made-setup.js';
import { areInstalled, type ProgramName, programPath } from '../support/programs.js';
import { killAll, type Outcome, RunningProgram } from '../support/running-program.js';

const PAHO = `
import sys
import paho.mqtt.client as mqtt
host, port, ca, name, password = sys.argv[1:]
versions = getattr(mqtt, 'CallbackAPIVersion', None)
client = mqtt.Client(versions.VERSION2) if versions else mqtt.Client()
client.tls_set(ca_certs=ca)
client.username_pw_set(name, password)
client.on_message = lambda client, data, message: (print(message.payload.decode()), client.disconnect())
client.on_subscribe = lambda *rest: client.publish('owntracks/jjolie/paho', 'by Paho', qos=1)
client.on_connect = lambda client, *rest: client.subscribe('owntracks/jjolie/paho', qos=1)
client.connect(host, int(port))
client.loop_forever()
`;

/** How long a line may take to the log. */
const LOG = { timeout: 10_000 };

const isComparable = areInstalled('mosquitto_pub', 'mosquitto_sub', 'openssl', 'python3', 'chromium');

describe.skipIf(!isComparable)('a broker that cauldron setup has made', () => {
  let setup: MadeSetup;
  let password: string;

  beforeAll(async () => {
    setup = await MadeSetup.make(['--user', 'jjolie', '--user', 'fred', '--friend', 'fred=jjolie']);
    password = setup.passwordOf('jjolie');
  });

  afterAll(async () => {
    await killAll();
    await setup?.remove();
  });

  function run(name: ProgramName, argv: readonly string[], input?: string): RunningProgram {
    return new RunningProgram(programPath(name), argv, input);
  }

  /** A message by Debian's Mosquitto, as jjolie if nothing else is said. */
  function publish({ ca = setup.caFile, user = 'jjolie', secret = password, host = '127.0.0.1' }): Promise<Outcome> {
    const place = ['--cafile', ca, '-h', host, '-p', String(setup.tlsPort), '-u', user, '-P', secret];
    return run('mosquitto_pub', [...place, '-q', '1', '-r', '-d', '-t', 'owntracks/jjolie/phone', '-m', 'here']).ended;
  }

  it.each(['127.0.0.1', 'localhost'])(
    'is reached by mosquitto_pub at %s, and a friend gets the message',
    async (host) => {
      expect((await publish({ host })).exitCode).toBe(0);
      const place = ['--cafile', setup.caFile, '-h', host, '-p', String(setup.tlsPort)];
      const friend = ['-u', 'fred', '-P', setup.passwordOf('fred'), '-t', 'owntracks/+/+', '-C', '1'];
      expect((await run('mosquitto_sub', [...place, ...friend]).ended).stdout.toString()).toBe('here\n');
    },
  );

  it('is taken by openssl for who it is, by name and by address', async () => {
    for (const flags of [
      ['-verify_hostname', 'localhost'],
      ['-verify_ip', '127.0.0.1'],
    ]) {
      const place = ['-connect', `127.0.0.1:${setup.tlsPort}`, '-CAfile', setup.caFile, '-verify_return_error'];
      const { stdout, exitCode } = await run('openssl', ['s_client', ...place, ...flags], '').ended;
      expect(stdout.toString()).toContain('Verification: OK');
      expect(exitCode).toBe(0);
    }
  });

  it('is reached by Paho for Python', async () => {
    const argv = ['-c', PAHO, 'localhost', String(setup.tlsPort), setup.caFile, 'jjolie', password];
    const { stdout, stderr } = await run('python3', argv).ended;
    expect(stdout.toString() + stderr).toBe('by Paho\n');
  });

  it('is reached by a client with a certificate, as its owner and nobody else', async () => {
    expect((await setup.run('client', 'sensor', '--certificate', '--no-qr')).exitCode).toBe(0);
    const place = [
      '--cafile',
      setup.caFile,
      '-h',
      '127.0.0.1',
      '-p',
      String(setup.certificatePort),
      '-V',
      '5',
      '-q',
      '1',
    ];
    const pair = ['--cert', setup.path('certs/clients/sensor.crt'), '--key', setup.path('certs/clients/sensor.key')];
    const own = await run('mosquitto_pub', [...place, ...pair, '-t', 'owntracks/sensor/1', '-m', '']).ended;
    expect(own.exitCode).toBe(0);
    const foreign = await run('mosquitto_pub', [...place, ...pair, '-t', 'owntracks/fred/1', '-m', '', '-d']).ended;
    expect(foreign.stdout.toString()).toContain('RC:135');
    const without = await run('mosquitto_pub', [...place, '-t', 'owntracks/sensor/1', '-m', '']).ended;
    expect(without.exitCode).not.toBe(0);
    await expect
      .poll(() => setup.log, LOG)
      .toContain('the client showed no certificate, and require_certificate is true');
  });

  describe('and a browser', () => {
    let browser: Browser;

    afterAll(() => browser?.close());

    /** What comes of a message over wss; `flags` are for the browser. */
    async function publishInBrowser(flags: readonly string[]): Promise<string> {
      browser = await chromium.launch({
        executablePath: programPath('chromium'),
        args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', ...flags],
      });
      const page = await browser.newPage();
      await page.addScriptTag({
        path: fileURLToPath(new URL('../../node_modules/mqtt/dist/mqtt.min.js', import.meta.url)),
      });
      const outcome = await page.evaluate(
        async ({ url, password }) => {
          const { mqtt } = window as unknown as { mqtt: typeof import('mqtt') };
          try {
            const options = { username: 'jjolie', password, reconnectPeriod: 0 };
            const client = await mqtt.connectAsync(url, options, false);
            const message = new Promise<string>((resolve) => {
              client.on('message', (_topic, payload) => resolve(new TextDecoder().decode(payload)));
            });
            await client.subscribeAsync('owntracks/jjolie/browser');
            await client.publishAsync('owntracks/jjolie/browser', 'by a browser', { qos: 1 });
            return await message;
          } catch (error) {
            return `failed: ${error}`;
          }
        },
        { url: `wss://localhost:${setup.tlsPort}/mqtt`, password },
      );
      await browser.close();
      return outcome;
    }

    it('that knows the certificate reaches it over wss', async () => {
      const { publicKey } = new X509Certificate(readFileSync(setup.path('certs/server.crt')));
      const digest = createHash('sha256')
        .update(publicKey.export({ type: 'spki', format: 'der' }))
        .digest('base64');
      expect(await publishInBrowser([`--ignore-certificate-errors-spki-list=${digest}`])).toBe('by a browser');
    });

    it('that does not know it stays away, and the log says why', async () => {
      expect(await publishInBrowser([])).toMatch(/^failed: /);
      await expect.poll(() => setup.log, LOG).toContain("the client does not trust the server's certificate");
    });
  });

  it('refuses a wrong password, and tells nobody but the log why', async () => {
    const { stderr, exitCode } = await publish({ secret: 'wrong' });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/not authorised|bad user name or password/i);
    await expect.poll(() => setup.log, LOG).toMatch(/not admitted: .*\/passwd:1: wrong password/);
  });

  it('refuses a user whom it does not know', async () => {
    const { stderr, exitCode } = await publish({ user: 'mallory' });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/not authorised|bad user name or password/i);
    await expect.poll(() => setup.log, LOG).toMatch(/not admitted: no user is called mallory$/m);
  });

  it('is not taken for good by whoever has the certificate of another CA, and both sides say so', async () => {
    const { caFile } = await certificates();
    const { stdout, exitCode } = await publish({ ca: caFile });
    expect(exitCode).not.toBe(0);
    expect(stdout.toString()).toContain('certificate verify failed');
    await expect.poll(() => setup.log, LOG).toContain("the client does not trust the server's certificate");
    const place = ['-h', '127.0.0.1', '-p', String(setup.tlsPort), '--cafile', caFile];
    const own = await runCauldron(['pub', ...place, '-t', 'x', '-m', 'x'], '').ended;
    expect(own.stderr).toMatch(/was not issued by a CA that is trusted, but by CN=Cauldron CA of /);
  });

  it('is not taken for good once its certificate has expired, and all sides say so', async () => {
    const ca = {
      certificate: readFileSync(setup.caFile, 'utf8'),
      privateKey: readFileSync(setup.path('certs/ca.key'), 'utf8'),
    };
    const request = {
      name: 'localhost',
      use: 'server',
      hosts: ['localhost', '127.0.0.1'],
      key: 'ecdsa',
      days: 1,
    } as const;
    const old = await (await Authority.open(ca)).issue(request, new Date(Date.now() - 3 * DAY_MS));
    writeFileSync(setup.path('certs/server.crt'), old.certificate);
    writeFileSync(setup.path('certs/server.key'), old.privateKey);
    expect((await setup.reload()).exitCode).toBe(0);
    const { stdout, exitCode } = await publish({});
    expect(exitCode).not.toBe(0);
    expect(stdout.toString()).toContain('certificate verify failed');
    await expect.poll(() => setup.log, LOG).toMatch(/certfile .*server\.crt expired on .*; clients will refuse it/);
    await expect.poll(() => setup.log, LOG).toContain("to the client the server's certificate has expired");
    const place = ['-h', '127.0.0.1', '-p', String(setup.tlsPort), '--cafile', setup.caFile];
    const own = await runCauldron(['pub', ...place, '-t', 'x', '-m', 'x'], '').ended;
    expect(own.stderr).toMatch(/the server's certificate \(CN=localhost\) expired on /);
    expect((await setup.run('renew')).stdout.toString()).toContain('The broker uses it.');
    expect((await publish({})).exitCode).toBe(0);
  });
});
