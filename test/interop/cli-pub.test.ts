import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SocksServer } from '../../packages/client/src/transports/socks-server.test-support.js';
import { BrokerProcess } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
import { type Run, runCompat, TOPIC, ToolComparison } from './tool-comparison.js';

/** A key for --psk. */
const KEY = 'c0ffee00';

/** What stands for a path or a port that is known only when the test runs: `{file}`. */
type Places = Record<string, string>;

/** Where ours does something else, and why. Each of them is checked: a difference that is gone has to leave the table. */
const DIFFERENCES: readonly {
  readonly argv: readonly string[];
  readonly input?: string;
  readonly theirs: number;
  readonly ours: number;
  readonly messages?: readonly [theirs: number, ours: number];
  readonly why: string;
}[] = [
  { argv: ['--help'], theirs: 1, ours: 0, why: '--help that was asked for is no failure' },
  { argv: ['--version'], theirs: 1, ours: 0, why: '--version that was asked for is no failure' },
  {
    argv: ['{open}', '-t', '', '-m', 'x'],
    theirs: 0,
    ours: 1,
    why: '2.0.11 says that the topic is wrong, publishes nothing, and ends with 0',
  },
  {
    argv: ['{open}', '-V', '5', '-t', TOPIC, '-m', 'x', '-D', 'publish', 'topic-alias', '60000'],
    theirs: 0,
    ours: 10,
    why: '2.0.11 publishes with an alias that the broker does not take, and does not notice that it is thrown out',
  },
  {
    argv: ['{guarded}', '-u', 'anna', '-P', 'secret', '-V', '5', '-t', TOPIC, '-m', 'x', '-q', '2'],
    theirs: 0,
    ours: 10,
    why: '2.0.11 says that the broker takes no such QoS, publishes nothing, and ends with 0',
  },
  {
    argv: ['{guarded}', '-u', 'anna', '-P', 'secret', '-V', '5', '-t', TOPIC, '-m', 'x', '-r'],
    theirs: 0,
    ours: 10,
    why: '2.0.11 publishes nothing where the broker retains nothing, and ends with 0',
  },
  {
    argv: ['{guarded}', '-u', 'anna', '-P', 'secret', '-V', '5', '-t', TOPIC, '-m', 'x'.repeat(400)],
    theirs: 0,
    ours: 10,
    why: '2.0.11 publishes nothing that is too large for the broker, and ends with 0',
  },
  {
    argv: [
      '{open}',
      '-t',
      TOPIC,
      '-m',
      'x',
      '-V',
      '5',
      '-D',
      'connect',
      'user-property',
      'a',
      'b',
      '-D',
      'will',
      'content-type',
      'x',
    ],
    theirs: 0,
    ours: 1,
    messages: [1, 0],
    why: 'properties of a will without --will-topic are left out by theirs without a word',
  },
  {
    argv: ['{open}', '-o', '{options}', '-m', 'x'],
    theirs: 1,
    ours: 0,
    why: '-o is new in 2.1',
  },
  {
    argv: ['-h', '127.0.0.1', '-p', '{webSocketPort}', '--ws', '-t', TOPIC, '-m', 'x'],
    theirs: 1,
    ours: 0,
    messages: [0, 1],
    why: '--ws is new in 2.1',
  },
  {
    argv: ['-L', 'ws://127.0.0.1:{webSocketPort}/{topic}', '-m', 'x'],
    theirs: 1,
    ours: 0,
    messages: [0, 1],
    why: 'ws:// in -L is new in 2.1',
  },
  {
    argv: ['{open}', '--no-tls', '-t', TOPIC, '-m', 'x'],
    theirs: 1,
    ours: 0,
    messages: [0, 1],
    why: '--no-tls is new in 2.1',
  },
  {
    argv: ['{secure}', '--insecure', '--tls-keylog', '{folder}/keys.log', '-t', TOPIC, '-m', 'x', '--cafile', '{ca}'],
    theirs: 1,
    ours: 0,
    messages: [0, 1],
    why: '--tls-keylog is new in 2.1',
  },
  {
    argv: ['{open}', '-M', '5', '--max-inflight', '5', '-t', TOPIC, '-m', 'x'],
    theirs: 1,
    ours: 0,
    messages: [0, 1],
    why: '-M has a long name here',
  },
  {
    argv: ['{secure}', '--capath', '/', '-t', TOPIC, '-m', 'x'],
    theirs: 8,
    ours: 1,
    why: 'a folder without certificates is said to be one, before anything is tried',
  },
];

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

      // [arguments, the exit status of both, what ours says]
      it.each<[argv: string[], exitCode: number, says: RegExp, input?: string]>([
        [['-h', '127.0.0.1', '-p', '{freePort}', '-t', 'x', '-m', 'x'], 1, /nothing listens on 127\.0\.0\.1:\d+/],
        [
          ['-h', 'nowhere.invalid', '-t', 'x', '-m', 'x'],
          1,
          /Lookup error: the host name nowhere\.invalid is not known/,
        ],
        [['--unix', '{folder}/none', '-t', 'x', '-m', 'x'], 1, /ENOENT/],
        [['{open}', '-A', '192.0.2.1', '-t', 'x', '-m', 'x'], 1, /EADDRNOTAVAIL/],
        [['{open}', '--cafile', '{ca}', '-t', 'x', '-m', 'x'], 8, /does not speak TLS on this port/],
        [['{secure}', '--tls-use-os-certs', '-t', 'x', '-m', 'x'], 8, /was not issued by a CA that is trusted/],
        [['{asking}', '-q', '1', '-t', 'x', '-m', 'x'], 7, /The connection was lost/],
        [['{psk}', '--psk', 'beef', '-t', 'x', '-m', 'x'], 8, /TLS: /],
        [['{secure}', '--cafile', '/none', '-t', 'x', '-m', 'x'], 1, /--cafile cannot be read: ENOENT/],
        [
          ['{proxied}', 'socks5h://127.0.0.1:{freePort}', '-t', 'x', '-m', 'x'],
          1,
          /SOCKS proxy 127\.0\.0\.1:\d+: it cannot be reached/,
        ],
        [
          ['{proxied}', 'socks5h://anna:wrong@127.0.0.1:{proxyPort}', '-t', 'x', '-m', 'x'],
          16,
          /does not accept the user name or the password/,
        ],
        [['{proxied}', 'http://127.0.0.1:1', '-t', 'x', '-m', 'x'], 1, /--proxy is socks5h:\/\//],
        [['-t', 'x'], 1, /Both topic \(-t\) and message/],
        [['-m', 'x'], 1, /Both topic \(-t\) and message/],
        [['-t', 'x', '-m', 'x', '-n'], 1, /Only one of -m, -f, -l, -s and -n/],
        [['-t', 'x', '-m'], 1, /-m needs TEXT/],
        [['-t', 'x/#', '-m', 'x'], 1, /x\/#/],
        [['-t', 'x', '-m', 'x', '--hots', 'y'], 1, /Unknown option '--hots'\. Did you mean --host\?/],
        [['-t', 'x', '-m', 'x', '-C', '3'], 1, /Unknown option '-C'/],
        [['-t', 'x', '-m', 'x', '-q', '3'], 1, /-q is a whole number from 0 to 2/],
        [['-t', 'x', '-m', 'x', '-p', '70000'], 1, /-p is a whole number/],
        [['-t', 'x', '-m', 'x', '-k', '4'], 1, /-k is a whole number from 5 to 65535/],
        [['-t', 'x', '-m', 'x', '-M', '0'], 1, /-M is a whole number from 1/],
        [['-t', 'x', '-m', 'x', '-V', '4'], 1, /-V is one of 31, 311, 5/],
        [['-t', 'x', '-m', 'x', '--repeat', '0'], 1, /--repeat is a whole number from 1/],
        [['-t', 'x', '-m', 'x', '--repeat-delay', '-1'], 1, /--repeat-delay is a number of at least 0/],
        [['-t', 'x', '-m', 'x', '-i', 'a', '-I', 'b'], 1, /-i and -I cannot be used together/],
        [['-t', 'x', '-m', 'x', '-c'], 1, /-c needs -i/],
        [['-t', 'x', '-m', 'x', '-P', 'b'], 1, /-P needs -u/],
        [['-t', 'x', '-m', 'x', '-x', 'soon'], 1, /-x is a number of seconds/],
        [['-t', 'x', '-m', 'x', '-x', '-5'], 1, /-x is a number of seconds/],
        [['-m', 'x', '-L', 'http://127.0.0.1/x'], 1, /-L is mqtt:\/\/host\/topic/],
        [['-m', 'x', '-L', 'mqtt://127.0.0.1'], 1, /Both topic \(-t\) and message/],
        [['-t', 'x', '-f', '{folder}/none'], 1, /Unable to open file ".*none": ENOENT/],
        [['-t', 'x', '-f', '{folder}'], 1, /EISDIR/],
        [['-t', 'x', '-s'], 1, /-s got no input/, ''],
        [['-t', 'x', '-m', 'x', '--will-payload', 'x'], 1, /A will needs --will-topic/],
        [['-t', 'x', '-m', 'x', '--will-topic', 'a/+'], 1, /a\/\+/],
        [['-t', 'x', '-m', 'x', '--cert', '{cert}'], 1, /--cert and --key go together/],
        [['-t', 'x', '-m', 'x', '--psk', KEY], 1, /--psk and --psk-identity go together/],
        [['-t', 'x', '-m', 'x', '--psk', 'xyz', '--psk-identity', 'me'], 1, /--psk is a key of hexadecimal digits/],
        [
          ['-t', 'x', '-m', 'x', '--psk', KEY, '--psk-identity', 'me', '--cafile', '{ca}'],
          1,
          /--psk is instead of certificates/,
        ],
        [['-t', 'x', '-m', 'x', '--keyform', 'der'], 1, /--keyform is one of pem, engine/],
        [['-t', 'x', '-m', 'x', '-D', 'publish'], 1, /-D needs PACKET PROPERTY VALUE/],
        [
          ['-t', 'x', '-m', 'x', '-D', 'publsh', 'topic-alias', '1'],
          1,
          /Unknown packet 'publsh' after -D\. Did you mean publish\?/,
        ],
        [
          ['-t', 'x', '-m', 'x', '-D', 'publish', 'topic-alais', '1'],
          1,
          /Unknown property 'topic-alais'\. Did you mean topic-alias\?/,
        ],
        [['-t', 'x', '-m', 'x', '-D', 'publish', 'user-property', 'a'], 1, /-D needs/],
        [
          ['-t', 'x', '-m', 'x', '-D', 'publish', 'subscription-identifier', '5'],
          1,
          /PUBLISH has no property 'subscription-identifier'/,
        ],
        [['-t', 'x', '-m', 'x', '-D', 'connect', 'topic-alias', '5'], 1, /CONNECT has no property 'topic-alias'/],
        [
          ['-t', 'x', '-m', 'x', '-D', 'publish', 'topic-alias', '0'],
          1,
          /topic-alias is a whole number from 1 to 65535/,
        ],
        [
          ['-t', 'x', '-m', 'x', '-D', 'publish', 'message-expiry-interval', '99999999999'],
          1,
          /message-expiry-interval is a whole number/,
        ],
        [['-t', 'x', '-m', 'x', '-D', 'will', 'topic-alias', '1'], 1, /WILL has no property 'topic-alias'/],
      ])('%j with %i, and ours says what to do', async (argv, exitCode, says, input) => {
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
        expect([theirs.exitCode, ours.exitCode]).toEqual([status, ownStatus]);
        await expect.poll(() => [theirs.messages.length, ours.messages.length]).toEqual(messages);
      },
    );
  });
