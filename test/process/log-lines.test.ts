import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePacket, type Packet, PacketType } from '@cauldron/codec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { RawConnection } from '../support/raw-connection.js';
import { killAll, RunningProgram } from '../support/running-program.js';

/** A broker that is asked to log everything, on a port of its own. */
interface Subject {
  readonly program: RunningProgram;
  readonly port: number;
  /** What its log says since it was asked last, in the words of Mosquitto 2.1, without ports and versions. */
  lines(): string[];
}

/** What changed from Mosquitto 2.0 to 2.1, what is never the same twice, and what this broker does on purpose. */
const CHANGES: readonly (readonly [RegExp, string])[] = [
  [/^(mosquitto|cauldron) version \S+ /, 'BROKER version V '],
  [/ \(p1, /, ' (p3, '],
  [/ \(p2, /, ' (p4, '],
  [/^Client (\S+) disconnected\.$/, 'Client $1 [127.0.0.1:P] disconnected.'],
  [/^Client (\S+) closed its connection\.$/, 'Client $1 [127.0.0.1:P] disconnected: connection closed by client.'],
  [/^Client (\S+) disconnected due to (.*)\.$/, 'Client $1 [127.0.0.1:P] disconnected: $2.'],
  [/^Client (\S+) has exceeded timeout, disconnecting\.$/, 'Client $1 [127.0.0.1:P] disconnected: exceeded timeout.'],
  [
    /^Client (\S+) already connected, closing old connection\.$/,
    'Client $1 [127.0.0.1:P] disconnected: session taken over.',
  ],
  [/^Client <unknown> /, 'Client 127.0.0.1 '],
  [/127\.0\.0\.1:\d+/, '127.0.0.1:P'],
  [/ on port \d+\.$/, ' on port N.'],
  [/auto-[0-9A-Fa-f-]+/, 'auto-ID'],
  [/^Config loaded from .*\.$/, 'Config loaded from F.'],
];

function inWordsOfToday(line: string): string {
  return CHANGES.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}

describe.skipIf(!areInstalled('mosquitto', 'mosquitto_pub', 'mosquitto_sub'))('everything that is logged', () => {
  let folder: string;
  let ours: Subject;
  let theirs: Subject;

  async function start(name: string, run: (config: string) => RunningProgram): Promise<Subject> {
    const [port, file] = [await freePort(), join(folder, `${name}.conf`)];
    writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_timestamp false\n`);
    const program = run(file);
    await program.showsMatch(/version \S+ running\n/);
    let seen = 0;
    const lines = (): string[] => {
      const text = program.shown.slice(seen);
      seen += text.length;
      return text.trimEnd().split('\n').map(inWordsOfToday);
    };
    return { program, port, lines };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-log-'));
    theirs = await start('theirs', (file) => new RunningProgram(programPath('mosquitto'), ['-v', '-c', file]));
    ours = await start('ours', (file) => runCauldron(['broker', '-v', '-c', file]));
  });

  afterAll(async () => {
    await killAll();
    rmSync(folder, { recursive: true });
  });

  function client(name: 'mosquitto_pub' | 'mosquitto_sub', { port }: Subject, argv: readonly string[]): RunningProgram {
    return new RunningProgram(programPath(name), ['-h', '127.0.0.1', '-p', String(port), ...argv]);
  }

  async function run(
    name: 'mosquitto_pub' | 'mosquitto_sub',
    subject: Subject,
    argv: readonly string[],
  ): Promise<void> {
    const { exitCode, stderr } = await client(name, subject, argv).ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  }

  /** Does the same to both brokers; their lines are to be the same. `last`: the line after which there is none. */
  async function compare(last: RegExp, act: (subject: Subject) => Promise<unknown>): Promise<string[]> {
    const results: string[][] = [];
    for (const subject of [theirs, ours]) {
      const { length } = subject.program.shown;
      await act(subject);
      await subject.program.showsMatch(new RegExp(`^[\\s\\S]{${length}}[\\s\\S]*${last.source}`));
      results.push(subject.lines());
    }
    expect(results[1]).toEqual(results[0]);
    return results[1];
  }

  it('at the start is the same as with Mosquitto', () => {
    const expected = theirs.lines();
    expect(expected).toEqual([
      'BROKER version V starting',
      'Config loaded from F.',
      'Opening ipv4 listen socket on port N.',
      'BROKER version V running',
    ]);
    expect(ours.lines()).toEqual(expected);
  });

  const versions = ['31', '311', '5'];

  it.each(versions.flatMap((version) => ['0', '1', '2'].map((qos) => [version, qos] as const)))(
    'of a publisher is the same (MQTT %s, QoS %s)',
    async (version, qos) => {
      const flags = ['-V', version, '-q', qos, '-i', 'pub', '-t', 'log/lines', '-m', 'some text', '-u', 'ann'];
      const lines = await compare(/Client pub .*disconnected\.\n/, (subject) => {
        return run('mosquitto_pub', subject, flags);
      });
      expect(lines).toContain(
        `New client connected from 127.0.0.1:P as pub (p${version[0] === '5' ? 5 : version === '31' ? 3 : 4}, c1, k60, u'ann').`,
      );
      expect(lines).toContain(
        `Received PUBLISH from pub (d0, q${qos}, r0, m${qos === '0' ? 0 : 1}, 'log/lines', ... (9 bytes))`,
      );
    },
  );

  it.each([3, 4, 5] as const)(
    'of a subscriber with several filters and a will is the same (version %i)',
    async (version) => {
      const will = { topic: 'log/will', payload: Buffer.from('gone'), qos: 1, retain: true } as const;
      const asked = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
      const subscriptions = [
        { filter: 'log/a', qos: 1, ...asked },
        { filter: 'log/+/b', qos: 0, ...asked },
      ] as const;
      // What comes after CONNECT is sent when the answer to what came before is there.
      const packets: readonly Packet[] = [
        { type: PacketType.CONNECT, protocolVersion: version, clientId: 'sub', clean: true, keepAlive: 60, will },
        { type: PacketType.SUBSCRIBE, packetId: 1, subscriptions },
        { type: PacketType.UNSUBSCRIBE, packetId: 2, filters: ['log/a', 'log/none'] },
        { type: PacketType.PINGREQ },
        { type: PacketType.DISCONNECT, reasonCode: 0 },
      ];
      const answers = ['CONNACK', 'SUBACK', 'UNSUBACK', 'PINGRESP'];
      const lines = await compare(/Client sub .*disconnected\.\n/, async ({ port, program }) => {
        const { length } = program.shown;
        const connection = new RawConnection(port);
        for (const [i, packet] of packets.entries()) {
          connection.socket.write(encodePacket(packet, version));
          if (i === answers.length) break;
          await program.showsMatch(new RegExp(`^[\\s\\S]{${length}}[\\s\\S]*Sending ${answers[i]} to sub`));
        }
        await connection.ended;
      });
      const said = [
        'Received SUBSCRIBE from sub',
        '\tlog/a (QoS 1)',
        'sub 1 log/a',
        '\tlog/+/b (QoS 0)',
        'sub 0 log/+/b',
      ];
      expect(lines.join('\n')).toContain(said.join('\n'));
      expect(lines.join('\n')).toContain(['Will message specified (4 bytes) (r1, q1).', '\tlog/will'].join('\n'));
    },
  );

  it('of a client whose session is taken over, and that is killed, is the same', async () => {
    const flags = ['-i', 'twin', '-t', 'log/twin'];
    const lines = await compare(
      /Client twin (?!.*taken over).*(closed its connection|closed by client)\.\n/,
      async (subject) => {
        const first = client('mosquitto_sub', subject, flags);
        await subject.program.shows('Sending SUBACK to twin\n');
        const { length } = subject.program.shown;
        // It would come back, and take its session over in turn.
        first.process.kill('SIGSTOP');
        const second = client('mosquitto_sub', subject, flags);
        await subject.program.showsMatch(new RegExp(`^[\\s\\S]{${length}}[\\s\\S]*Sending SUBACK to twin\n`));
        await Promise.all([first.stop('SIGKILL'), second.stop('SIGKILL')]);
      },
    );
    expect(lines).toContain('Client twin [127.0.0.1:P] disconnected: session taken over.');
    expect(lines.at(-1)).toBe('Client twin [127.0.0.1:P] disconnected: connection closed by client.');
  });

  it('of a connection that says nothing is the same', async () => {
    const lines = await compare(/Client .*(closed its connection|closed by client)\.\n/, async ({ port, program }) => {
      const { length } = program.shown;
      const connection = new RawConnection(port);
      await program.showsMatch(new RegExp(`^[\\s\\S]{${length}}[\\s\\S]*New connection from .*\n`));
      connection.socket.end();
      await connection.ended;
    });
    expect(lines).toEqual([
      'New connection from 127.0.0.1:P on port N.',
      'Client 127.0.0.1 [127.0.0.1:P] disconnected: connection closed by client.',
    ]);
  });

  it('of a client that is silent for too long is the same', async () => {
    // CONNECT of 3.1.1 as "mute", with a keep-alive of one second.
    const connect = '10 10 0004 4d515454 04 02 0001 0004 6d757465';
    const lines = await compare(/Client mute .*exceeded timeout.*\n/, async ({ port, program }) => {
      const connection = new RawConnection(port);
      connection.send(connect);
      await program.showsMatch(/Client mute .*exceeded timeout.*\n/);
      await connection.ended;
    });
    expect(lines.at(-1)).toBe('Client mute [127.0.0.1:P] disconnected: exceeded timeout.');
  });

  it('at the end is the same', async () => {
    const results: string[][] = [];
    for (const subject of [theirs, ours]) {
      await subject.program.stop('SIGTERM');
      results.push(subject.lines());
    }
    expect(results[0]).toEqual(['BROKER version V terminating']);
    expect(results[1]).toEqual(results[0]);
  });
});
