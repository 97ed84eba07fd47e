import { TOPIC } from './tool-comparison.js';

/** A key for --psk. */
export const KEY = 'c0ffee00';

/** Where ours does something else, and why. Each of them is checked: a difference that is gone has to leave the table. */
export const DIFFERENCES: readonly {
  readonly argv: readonly string[];
  readonly input?: string;
  /** Exit status; several: chance decides which. */
  readonly theirs: number | readonly number[];
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
    theirs: [1, 8],
    ours: 1,
    why: 'a folder without certificates is said to be one, before anything is tried',
  },
];

/** What both refuse, or cannot do: arguments, the exit status of both, what ours says, and what stands on its input. */
export const REFUSALS: [argv: string[], exitCode: number, says: RegExp, input?: string][] = [
  [['-h', '127.0.0.1', '-p', '{freePort}', '-t', 'x', '-m', 'x'], 1, /nothing listens on 127\.0\.0\.1:\d+/],
  [['-h', 'nowhere.invalid', '-t', 'x', '-m', 'x'], 1, /Lookup error: the host name nowhere\.invalid is not known/],
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
  [['-t', 'x', '-m', 'x', '-D', 'publish', 'topic-alias', '0'], 1, /topic-alias is a whole number from 1 to 65535/],
  [
    ['-t', 'x', '-m', 'x', '-D', 'publish', 'message-expiry-interval', '99999999999'],
    1,
    /message-expiry-interval is a whole number/,
  ],
  [['-t', 'x', '-m', 'x', '-D', 'will', 'topic-alias', '1'], 1, /WILL has no property 'topic-alias'/],
];
