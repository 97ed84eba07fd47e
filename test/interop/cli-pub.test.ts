import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { SocksServer } from '../../packages/client/src/transports/socks-server.test-support.js';
import { BrokerProcess } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
import { DIFFERENCES, KEY, REFUSALS } from './cli-pub-tables.js';
import { type Run, runCompat, TOPIC, ToolComparison } from './tool-comparison.js';

/** What stands for a path or a port that is known only when the test runs: `{file}`. */
type Places = Record<string, string>;

describe
  .skipIf(!areInstalled('mosquitto_pub', 'mosquitto_sub', 'openssl'))
  .concurrent("mosquitto_pub of ours and Debian's", () => {
    let folder: string;
    let broker: BrokerProcess;
    let guarded: BrokerProcess;
    let proxy: SocksServer;
    let comparison: ToolComparison;
    const places: Places = {};
    const groups: Record<string, string[]> = {};

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cauldron-pub-'));
      const file = (name: string, text: string | Uint8Array) => {
        writeFileSync(join(folder, name), text);
        return join(folder, name);
      };
      const { certFile, keyFile, caFile, clientCertFile, clientKeyFile } = await certificates();
      const [securePort, askingPort, keyPort, webSocketPort] = [
        await freePort(),
        await freePort(),
        await freePort(),
        await freePort(),
      ];
      const socket = join(folder, 'broker.sock');
      const passwords = join(folder, 'passwords');
      await runCompat('mosquitto_passwd', ['-c', '-b', passwords, 'anna', 'secret']).ended;
      const listener = (port: number, ...lines: string[]) => [`listener ${port} 127.0.0.1`, ...lines];
      const tls = [`certfile ${certFile}`, `keyfile ${keyFile}`];
      [broker, guarded, proxy] = await Promise.all([
        BrokerProcess.start([
          'max_topic_alias 10',
          ...listener(securePort, ...tls),
          ...listener(askingPort, ...tls, `cafile ${caFile}`, 'require_certificate true'),
          ...listener(keyPort, 'psk_hint hint', `psk_file ${file('psk', `me:${KEY}\n`)}`),
          ...listener(webSocketPort, 'protocol websockets'),
          `listener 0 ${socket}`,
        ]),
        BrokerProcess.start([
          'allow_anonymous false',
          'maximum_qos 1',
          'retain_available false',
          'max_packet_size 300',
          `password_file ${passwords}`,
          `acl_file ${file('acl', 'user anna\ntopic readwrite run/#\n')}`,
        ]),
        SocksServer.start({ user: { username: 'anna', password: 'secret' } }),
      ]);
      mkdirSync(join(folder, 'config'));
      file('config/mosquitto_pub', `# where\n-h 127.0.0.1\n-p ${broker.port}\n-q 1\n`);
      const at = (port: number) => ['-h', '127.0.0.1', '-p', String(port)];
      Object.assign(groups, {
        '{open}': broker.flags,
        '{guarded}': guarded.flags,
        '{secure}': at(securePort),
        '{asking}': [...at(askingPort), '--cafile', caFile],
        '{psk}': [...at(keyPort), '--psk', KEY, '--psk-identity', 'me'],
        '{proxied}': [...broker.flags, '--proxy'],
      });
      Object.assign(places, {
        '{port}': String(broker.port),
        '{guardedPort}': String(guarded.port),
        '{webSocketPort}': String(webSocketPort),
        '{freePort}': String(await freePort()),
        '{proxyPort}': String(proxy.port),
        '{socket}': socket,
        '{folder}': folder,
        '{ca}': caFile,
        '{cert}': clientCertFile,
        '{key}': clientKeyFile,
        '{options}': file('options', `-t run/options\n`),
        '{file}': file('payload', 'from a file\n'),
        '{empty}': file('empty', ''),
        '{binary}': file(
          'binary',
          Uint8Array.from({ length: 256 }, (_, i) => i),
        ),
      });
      comparison = await ToolComparison.start(broker);
    });

    afterAll(async () => {
      await comparison.stop();
      await Promise.all([broker.stop(), guarded.stop()]);
      proxy.close();
      await killAll();
      rmSync(folder, { recursive: true });
    });

    const inPlace = (argument: string) => argument.replace(/\{\w+\}/g, (name) => places[name] ?? name);
    const compare = (argv: readonly string[], run: Omit<Run, 'argv'> = {}) =>
      comparison.compare('mosquitto_pub', {
        ...run,
        ...(run.env && { env: Object.fromEntries(Object.entries(run.env).map(([k, v]) => [k, inPlace(v)])) }),
        argv: argv.flatMap((argument) => groups[argument] ?? [inPlace(argument)]),
      });

    /** Everything is the same: output, exit status, and what a subscriber gets. */
    async function expectSame(argv: readonly string[], messages: number, run: Omit<Run, 'argv' | 'messages'> = {}) {
      const { theirs, ours } = await compare(argv, { ...run, messages });
      expect(ours).toEqual(theirs);
      expect(ours.messages).toHaveLength(messages);
    }

    describe('publish the same', () => {
      it.each<[count: number, argv: string[], input?: string]>([
        [1, ['-m', 'text']],
        [1, ['--message', 'größer ☃']],
        [1, ['-m', '']],
        [1, ['-n']],
        [1, ['--null-message']],
        [1, ['-f', '{file}']],
        [1, ['--file', '{binary}']],
        [1, ['-f', '{empty}']],
        [1, ['-s'], 'whole\ninput\n'],
        [1, ['--stdin-file'], 'x'],
        [3, ['-l'], 'one\n\nthree\n'],
        [2, ['--stdin-line'], 'one\r\nlast'],
        [0, ['-l'], ''],
        [3, ['-l', '-q', '1'], 'a\nb\nc\n'],
        [3, ['-l', '-q', '2', '-M', '1'], 'a\nb\nc\n'],
        [2, ['-l', '--repeat', '3'], 'a\nb\n'],
        [3, ['-m', 'x', '--repeat', '3']],
        [3, ['-m', 'x', '--repeat', '3', '--repeat-delay', '0.02', '-q', '1']],
        [2, ['-f', '{file}', '--repeat', '2', '-q', '2']],
        [2, ['-s', '--repeat', '2'], 'in'],
        [2, ['-n', '--repeat', '2', '--repeat-delay', '0']],
      ])('%i with %j', async (count, argv, input) => {
        await expectSame(['{open}', '-t', TOPIC, ...argv], count, input === undefined ? {} : { input });
      });

      it.each(['31', '311', '5', 'mqttv31', 'mqttv311', 'mqttv5'])('by -V %s', async (version) => {
        for (const qos of ['0', '1', '2']) {
          await expectSame(['{open}', '-V', version, '-t', TOPIC, '-q', qos, '-m', 'x'], 1);
        }
        await expectSame(['{open}', '--protocol-version', version, '--topic', TOPIC, '--qos', '1', '-m', 'x', '-r'], 1);
      });

      it.each<string[]>([
        ['-i', 'me-{topic}', '-k', '10', '-M', '5'],
        ['--id', 'me-{topic}', '--keepalive', '10', '--retain'],
        ['-I', 'me-'],
        ['--id-prefix', 'me-'],
        ['-u', 'anybody', '-P', 'anything'],
        ['--username', 'anybody'],
        ['-A', '127.0.0.3'],
        ['-A', 'localhost'],
        ['--nodelay', '--quiet'],
        ['-i', 'kept-{topic}', '-c'],
        ['-i', 'kept-{topic}', '--disable-clean-session', '-V', '5', '-x', '5'],
        ['-x', '-1'],
        ['-x', '∞'],
        ['-x', '4294967295'],
        ['-x', '0'],
        ['--will-topic', 'will/x', '--will-payload', 'gone', '--will-qos', '2', '--will-retain'],
        ['--will-topic', 'will/x'],
        [
          '-V',
          '5',
          '--will-topic',
          'will/x',
          '-D',
          'will',
          'will-delay-interval',
          '5',
          '-D',
          'will',
          'user-property',
          'a',
          'b',
        ],
        ['-h', '127.0.0.1', '-L', 'mqtt://127.0.0.1:{port}/elsewhere', '-t', TOPIC],
      ])('with %j %s %s %s', async (...argv) => {
        await expectSame(['{open}', '-t', TOPIC, '-m', 'x', '-q', '1', ...argv], 1);
      });

      it.each<string[][]>([
        [
          ['publish', 'content-type', 'text/plain'],
          ['publish', 'response-topic', 'answers/7'],
        ],
        [
          ['publish', 'correlation-data', 'case 7'],
          ['publish', 'payload-format-indicator', '1'],
        ],
        [
          ['publish', 'message-expiry-interval', '300'],
          ['PUBLISH', 'user-property', 'größe', 'XL'],
        ],
        [
          ['publish', 'user-property', 'a', '1'],
          ['publish', 'user-property', 'a', '2'],
        ],
        [['publish', 'topic-alias', '4']],
        [
          ['connect', 'receive-maximum', '5'],
          ['connect', 'maximum-packet-size', '1000'],
        ],
        [
          ['connect', 'topic-alias-maximum', '5'],
          ['connect', 'user-property', 'a', 'b'],
        ],
        [
          ['connect', 'request-problem-information', '0'],
          ['connect', 'request-response-information', '1'],
        ],
        [
          ['connect', 'session-expiry-interval', '60'],
          ['disconnect', 'session-expiry-interval', '10'],
        ],
        [['disconnect', 'user-property', 'a', 'b']],
      ])('with the properties %j %j', async (...properties) => {
        const argv = properties.flatMap((property, i) => [i === 0 ? '-D' : '--property', ...property]);
        await expectSame(['{open}', '-V', '5', '-t', TOPIC, '-m', 'x', '-q', '1', ...argv], 1);
      });

      it.each<string[]>([
        ['-L', 'mqtt://127.0.0.1:{port}/{topic}'],
        ['--url', 'mqtt://anna:secret@127.0.0.1:{guardedPort}/{topic}', '-q', '0'],
        ['--unix', '{socket}', '-t', TOPIC],
        ['{proxied}', 'socks5h://anna:secret@127.0.0.1:{proxyPort}', '-t', TOPIC],
        ['{secure}', '-t', TOPIC, '--cafile', '{ca}'],
        ['{secure}', '-t', TOPIC, '--cafile', '{ca}', '--insecure'],
        [
          '{secure}',
          '-t',
          TOPIC,
          '--cafile',
          '{ca}',
          '--tls-version',
          'tlsv1.2',
          '--ciphers',
          'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
        ],
        ['{secure}', '-t', TOPIC, '--cafile', '{ca}', '--tls-version', 'tlsv1.3', '--tls-alpn', 'mqtt'],
        ['{asking}', '-t', TOPIC, '--cert', '{cert}', '--key', '{key}', '--keyform', 'pem'],
        ['{psk}', '-t', TOPIC],
      ])('to %j %s %s %s', async (...argv) => {
        const isSeen = !argv.some((argument) => argument.includes('{guardedPort}'));
        await expectSame(['-m', 'x', '-q', '1', ...argv], isSeen ? 1 : 0);
      });

      it('with what the options files of the user say', async () => {
        const argv = ['-t', TOPIC, '-m', 'x'];
        await expectSame(argv, 1, { env: { XDG_CONFIG_HOME: '{folder}/config' } });
        mkdirSync(join(folder, 'home'), { recursive: true });
        mkdirSync(join(folder, 'home', '.config'), { recursive: true });
        writeFileSync(join(folder, 'home', '.config', 'mosquitto_pub'), `-p ${broker.port}\n-h 127.0.0.1\n-r\n`);
        await expectSame(argv, 1, { env: { HOME: '{folder}/home' } });
      });
    });

    it.each(['31', '311', '5'])('-d shows the same packets (MQTT %s)', async (version) => {
      for (const qos of ['0', '1', '2']) {
        const argv = ['{open}', '-d', '-V', version, '-i', `debug-${version}-${qos}-{topic}`, '-t', TOPIC, '-q', qos];
        await expectSame([...argv, '-m', 'x'], 1);
        await expectSame([...argv, '-n', '-r'], 1);
      }
    });

    describe('end in the same way', () => {
      it.each<[what: string, argv: string[], exitCode: number]>([
        ['a client that has no name (3.1)', ['-V', '31', '-t', 'x', '-m', 'x'], 5],
        ['a client that has no name (3.1.1)', ['-t', 'x', '-m', 'x'], 5],
        ['a wrong password', ['-u', 'anna', '-P', 'wrong', '-t', 'x', '-m', 'x', '-q', '1'], 5],
        ['a client that has no name (5)', ['-V', '5', '-t', 'x', '-m', 'x'], 135],
      ])('for %s, but that ours says it once', async (_what, argv, exitCode) => {
        const { theirs, ours } = await compare(['{guarded}', ...argv]);
        expect([theirs.exitCode, ours.exitCode]).toEqual([exitCode, exitCode]);
        const [first, second, ...others] = theirs.stderr.split('\n');
        // They go on with an error of the library for what was said already.
        expect([second, others]).toEqual([expect.stringMatching(/^Error: /), ['']]);
        expect(ours.stderr.startsWith(first)).toBe(true);
        expect(ours.stderr).toMatch(/^.*\n$/);
      });

      it('with --quiet, and for a message that is not allowed (3.1.1)', async () => {
        await expectSame(['{guarded}', '--quiet', '-t', 'x', '-m', 'x'], 0);
        await expectSame(['{guarded}', '-u', 'anna', '-P', 'secret', '-t', 'x', '-m', 'x', '-q', '1'], 0);
      });

      it.each(REFUSALS)('%j with %i, and ours says what to do', async (argv, exitCode, says, input) => {
        const { theirs, ours } = await compare(argv, input === undefined ? {} : { input });
        expect(ours.exitCode).toBe(exitCode);
        // Of TLS theirs says 8, or 1 if it notices while it still connects.
        expect(exitCode === 8 ? [1, 8] : [exitCode]).toContain(theirs.exitCode);
        expect(ours.stderr).toMatch(says);
        expect(ours.stderr).toMatch(/^Error: .*\n(\nUse 'mosquitto_pub --help' to see usage\.\n)?$/);
        expect(theirs.stderr).not.toBe('');
      });

      it('a message that a 5.0 broker refuses with 0, and ours names the topic', async () => {
        const argv = ['{guarded}', '-u', 'anna', '-P', 'secret', '-V', '5', '-q', '1', '-t', 'forbidden', '-m', 'x'];
        const { theirs, ours } = await compare(argv);
        expect(theirs).toMatchObject({
          exitCode: 0,
          stderr: expect.stringMatching(/^Warning: Publish 1 failed: Not authorized\.\n/),
        });
        expect(ours).toMatchObject({ exitCode: 0, stderr: 'Warning: Publish to forbidden failed: Not authorized.\n' });
      });
    });

    it.each(DIFFERENCES)(
      'differ in $argv: $why',
      async ({ argv, theirs: status, ours: ownStatus, messages = [0, 0] }) => {
        const { theirs, ours } = await compare(argv);
        expect([status].flat()).toContain(theirs.exitCode);
        expect(ours.exitCode).toBe(ownStatus);
        // Not `expect.poll`, which does not know its test where several run at the same time.
        await vi.waitFor(() => expect([theirs.messages.length, ours.messages.length]).toEqual(messages));
      },
    );
  });
