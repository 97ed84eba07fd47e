import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { certificates } from '../support/certificates.js';
import { randomPayload } from '../support/payloads.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

/** On a busy machine a subscriber may be away for longer than publishers are held for it. */
const UNLIMITED = 'max_queued_messages 0';

const VERSIONS = ['mqttv31', 'mqttv311', 'mqttv5'] as const;

const areThere = areInstalled('mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr');

describe.skipIf(!areThere).concurrent("Mosquitto's clients", () => {
  let broker: BrokerProcess;
  let folder: string;
  let payloadFile: string;
  const payload = randomPayload(10_000_000);

  beforeAll(async () => {
    broker = await BrokerProcess.start(['max_packet_size 20000000', UNLIMITED]);
    folder = mkdtempSync(join(tmpdir(), 'cauldron-mosquitto-'));
    payloadFile = join(folder, 'payload');
    writeFileSync(payloadFile, payload);
  });

  afterAll(async () => {
    await broker.stop();
    await killAll();
    rmSync(folder, { recursive: true });
  });

  let count = 0;

  /** mosquitto_sub, when the broker has its subscription. `-i` comes with it, unless it is among the flags. */
  async function subscribe(filter: string, ...flags: readonly string[]): Promise<RunningProgram> {
    const given = flags.indexOf('-i');
    const clientId = given < 0 ? `sub-${++count}` : flags[given + 1];
    const id = given < 0 ? ['-i', clientId] : [];
    const argv = [...broker.flags, ...id, '-t', filter, ...flags];
    const program = new RunningProgram(programPath('mosquitto_sub'), argv);
    await broker.hasSubscribed(clientId, filter);
    return program;
  }

  async function publish(topic: string, ...flags: readonly string[]): Promise<void> {
    await publishInput('', topic, ...flags);
  }

  async function publishInput(input: string | Uint8Array, topic: string, ...flags: readonly string[]): Promise<void> {
    const argv = [...broker.flags, '-t', topic, ...flags];
    const { exitCode, stderr } = await new RunningProgram(programPath('mosquitto_pub'), argv, input).ended;
    expect([exitCode, stderr]).toEqual([0, '']);
  }

  const printed = async (program: RunningProgram) => (await program.ended).stdout.toString();

  for (const version of VERSIONS) {
    describe(version, () => {
      const speaks = ['-V', version];

      it.each(['0', '1', '2'])('messages of QoS %s arrive as they were published', async (qos) => {
        const base = `${version}/qos/${qos}`;
        const subscriber = await subscribe(`${base}/#`, ...speaks, '-q', qos, '-C', '4', '-F', '%q %r %t %x');
        await publish(`${base}/text`, ...speaks, '-q', qos, '-m', 'grüße');
        await publish(`${base}/empty`, ...speaks, '-q', qos, '-n');
        await publishInput(Buffer.from([0, 1, 0x80, 0xff, 10]), `${base}/bytes`, ...speaks, '-q', qos, '-s');
        await publish(base, ...speaks, '-q', qos, '-m', 'last');
        expect(await printed(subscriber)).toBe(
          [
            `${qos} 0 ${base}/text 6772c3bcc39f65`,
            `${qos} 0 ${base}/empty `,
            `${qos} 0 ${base}/bytes 000180ff0a`,
            `${qos} 0 ${base} 6c617374`,
            '',
          ].join('\n'),
        );
      });

      it.each([
        ['2', '0', '0'],
        ['2', '1', '1'],
        ['0', '2', '0'],
        ['1', '2', '1'],
      ])(
        'published with QoS %s and subscribed with %s, a message comes with %s',
        async (published, subscribed, comes) => {
          const topic = `${version}/downgrade/${published}${subscribed}`;
          const subscriber = await subscribe(topic, ...speaks, '-q', subscribed, '-C', '1', '-F', '%q %p');
          await publish(topic, ...speaks, '-q', published, '-m', 'text');
          expect(await printed(subscriber)).toBe(`${comes} text\n`);
        },
      );

      it('-v prints topic and text of each message', async () => {
        const subscriber = await subscribe(`${version}/v/+`, ...speaks, '-v', '-C', '2');
        await publish(`${version}/v/one`, ...speaks, '-m', 'text of one');
        await publish(`${version}/v/two`, ...speaks, '-n');
        expect(await printed(subscriber)).toBe(`${version}/v/one text of one\n${version}/v/two (null)\n`);
      });

      it.each(['0', '1', '2'])('5,000 lines of QoS %s arrive in order', async (qos) => {
        const lines = Array.from({ length: 5_000 }, (_, i) => `line ${i}\n`).join('');
        const topic = `${version}/lines/${qos}`;
        const subscriber = await subscribe(topic, ...speaks, '-q', qos, '-C', '5000');
        await publishInput(lines, topic, ...speaks, '-q', qos, '-l');
        expect((await printed(subscriber)) === lines).toBe(true);
      });

      it('a retained message waits for subscribers, says so, is replaced, and is cleared', async () => {
        const topic = `${version}/retained`;
        const filter = `${topic}/#`;
        const shown = ['-F', '%r %t %p'];
        const live = await subscribe(filter, ...speaks, '-C', '3', ...shown);
        await publish(`${topic}/a`, ...speaks, '-q', '1', '-r', '-m', 'old');
        await publish(`${topic}/a`, ...speaks, '-q', '1', '-r', '-m', 'new');
        const late = await subscribe(filter, ...speaks, '-C', '1', ...shown);
        expect(await printed(late)).toBe(`1 ${topic}/a new\n`);
        const unwilling = await subscribe(filter, ...speaks, '-R', '-C', '1', ...shown);
        const retainedOnly = await subscribe(filter, ...speaks, '--retained-only', ...shown);
        await publish(`${topic}/b`, ...speaks, '-q', '1', '-m', 'live');
        expect(await printed(unwilling)).toBe(`0 ${topic}/b live\n`);
        expect(await printed(retainedOnly)).toBe(`1 ${topic}/a new\n`);
        expect(await printed(live)).toBe(`0 ${topic}/a old\n0 ${topic}/a new\n0 ${topic}/b live\n`);

        await publish(`${topic}/a`, ...speaks, '-q', '1', '-r', '-n');
        const afterwards = await subscribe(filter, ...speaks, '-C', '1', ...shown);
        await publish(`${topic}/b`, ...speaks, '-q', '1', '-m', 'live');
        expect(await printed(afterwards)).toBe(`0 ${topic}/b live\n`);
      });

      it('the will of a client that is killed is published, that of a client that leaves is not', async () => {
        const topic = `${version}/will`;
        const watcher = await subscribe(`${topic}/#`, ...speaks, '-q', '2', '-C', '2', '-F', '%q %r %t %p');
        const will = (of: string) => ['--will-topic', `${topic}/${of}`, '--will-payload', 'gone', '--will-qos', '2'];
        await (await subscribe(`${topic}/x`, ...speaks, ...will('left'), '-E')).ended;
        const dying = await subscribe(`${topic}/x`, ...speaks, ...will('killed'), '--will-retain');
        await dying.stop('SIGKILL');
        await watcher.shows('killed gone');
        await publish(`${topic}/last`, ...speaks, '-q', '2', '-m', 'end');
        expect(await printed(watcher)).toBe(`2 0 ${topic}/killed gone\n2 0 ${topic}/last end\n`);
        const late = await subscribe(`${topic}/#`, ...speaks, '-q', '2', '-C', '1', '-F', '%r %t %p');
        expect(await printed(late)).toBe(`1 ${topic}/killed gone\n`);
      });

      it.each(['1', '2'])('a kept session gets the messages of QoS %s that came while it was away', async (qos) => {
        const topic = `${version}/kept/${qos}`;
        const expiry = version === 'mqttv5' ? ['-x', '3600'] : [];
        const session = [...broker.flags, ...speaks, ...expiry, '-c', '-i', `kept-${version}-${qos}`, '-q', qos];
        const sub = (...argv: string[]) =>
          new RunningProgram(programPath('mosquitto_sub'), [...session, '-t', `${topic}/#`, ...argv]).ended;
        expect((await sub('-E')).exitCode).toBe(0);
        for (let i = 0; i < 25; i++) await publish(`${topic}/${i}`, ...speaks, '-q', qos, '-m', `text ${i}`);
        const { stdout } = await sub('-C', '25', '-F', '%q %t %p');
        expect(stdout.toString().trimEnd().split('\n')).toEqual(
          Array.from({ length: 25 }, (_, i) => `${qos} ${topic}/${i} text ${i}`),
        );
      });

      it.each(['0', '1', '2'])('10 MB with QoS %s arrive whole', async (qos) => {
        const topic = `${version}/large/${qos}`;
        const subscriber = await subscribe(topic, ...speaks, '-q', qos, '-N', '-C', '1');
        await publish(topic, ...speaks, '-q', qos, '-f', payloadFile);
        expect((await subscriber.ended).stdout.equals(payload)).toBe(true);
      });

      it('a second client with the same id takes over', async () => {
        const clientId = `twin-${version}`;
        const topic = `${version}/twin`;
        const first = await subscribe(`${topic}/first`, ...speaks, '-i', clientId);
        await publish(`${topic}/other`, ...speaks, '-i', clientId, '-q', '1', '-m', 'x');
        expect(await broker.hasLost(clientId)).toBe('session taken over.');
        await first.stop('SIGKILL');
      });

      it('mosquitto_rr gets the answer to its request', async () => {
        const [request, response] = [`${version}/request`, `${version}/response`];
        const format = version === 'mqttv5' ? '%R %D %p' : `${response} - %p`;
        const server = await subscribe(request, ...speaks, '-C', '1', '-F', format);
        const correlation = version === 'mqttv5' ? ['-D', 'publish', 'correlation-data', 'case-7'] : [];
        const argv = [...broker.flags, ...speaks, '-t', request, '-e', response, '-m', 'question', ...correlation];
        const asking = new RunningProgram(programPath('mosquitto_rr'), argv);
        const [topic, data, text] = (await printed(server)).trimEnd().split(' ');
        expect([topic, data, text]).toEqual([response, version === 'mqttv5' ? 'case-7' : '-', 'question']);
        await publish(topic, ...speaks, '-m', 'answer', ...correlation);
        expect((await asking.ended).stdout.toString()).toBe('answer\n');
      });

      it('a message reaches subscribers of all versions', async () => {
        const topic = `${version}/all`;
        const all = await Promise.all(VERSIONS.map((other) => subscribe(topic, '-V', other, '-q', '1', '-C', '1')));
        await publish(topic, ...speaks, '-q', '1', '-m', 'to all');
        expect(await Promise.all(all.map(printed))).toEqual(['to all\n', 'to all\n', 'to all\n']);
      });
    });
  }

  it('-U ends a subscription of a kept session', async () => {
    const session = [...broker.flags, '-c', '-i', 'unsubscriber', '-q', '1'];
    const run = (...argv: string[]) => new RunningProgram(programPath('mosquitto_sub'), [...session, ...argv]).ended;
    await run('-t', 'u/out', '-t', 'u/in', '-E');
    await run('-U', 'u/out', '-t', 'u/in', '-E');
    await publish('u/out', '-q', '1', '-m', 'x');
    await publish('u/in', '-q', '1', '-m', 'y');
    expect((await run('-t', 'u/in', '-C', '1', '-v')).stdout.toString()).toBe('u/in y\n');
  });

  describe('MQTT 5', () => {
    const five = ['-V', 'mqttv5'];

    it('properties arrive as they were published', async () => {
      const format = '%A|%C|%D|%E|%F|%P|%R|%S|%p';
      const identifier = ['-D', 'subscribe', 'subscription-identifier', '77'];
      const subscriber = await subscribe('p', ...five, '-C', '1', '-F', format, ...identifier);
      const properties = [
        ['content-type', 'text/plain'],
        ['correlation-data', 'case 7'],
        ['message-expiry-interval', '300'],
        ['payload-format-indicator', '1'],
        ['response-topic', 'answers/7'],
        ['user-property', 'colour', 'blau'],
        ['user-property', 'größe', 'XL'],
      ].flatMap((property) => ['-D', 'publish', ...property]);
      await publish('p', ...five, '-m', 'text', ...properties);
      expect(await printed(subscriber)).toBe('|text/plain|case 7|300|1|colour:blau größe:XL|answers/7|77|text\n');
    });

    it('a topic alias of the publisher does not reach the subscriber', async () => {
      const subscriber = await subscribe('aliased/#', ...five, '-C', '3', '-F', '%t|%A|%p');
      const alias = ['-D', 'publish', 'topic-alias', '3'];
      await publishInput('a\nb\nc\n', 'aliased/x', ...five, '-q', '1', '-l', ...alias);
      expect(await printed(subscriber)).toBe('aliased/x||a\naliased/x||b\naliased/x||c\n');
    });

    it('properties of a will arrive with it', async () => {
      const watcher = await subscribe('w5', ...five, '-C', '1', '-F', '%C|%P|%R|%p');
      const will = ['--will-topic', 'w5', '--will-payload', 'gone'];
      const properties = [
        ['content-type', 'text/plain'],
        ['response-topic', 'why'],
        ['user-property', 'a', 'b'],
      ].flatMap((property) => ['-D', 'will', ...property]);
      const dying = await subscribe('nothing', ...five, ...will, ...properties);
      await dying.stop('SIGKILL');
      expect(await printed(watcher)).toBe('text/plain|a:b|why|gone\n');
    });

    it('--retain-as-published keeps the flag of live messages', async () => {
      const subscriber = await subscribe('rap', ...five, '--retain-as-published', '-C', '2', '-F', '%r %p');
      await publish('rap', ...five, '-q', '1', '-r', '-m', 'retained');
      await publish('rap', ...five, '-q', '1', '-m', 'live');
      expect(await printed(subscriber)).toBe('1 retained\n0 live\n');
    });
  });

  it.each(VERSIONS)('two subscribers of a group share its messages (%s)', async (version) => {
    const filter = `$share/group/${version}/shared`;
    const shares = ['-V', version, '-q', '1'];
    const end = (member: number) => `${version}/end/${member}`;
    const group = [await subscribe(filter, ...shares, '-t', end(0)), await subscribe(filter, ...shares, '-t', end(1))];
    const lines = Array.from({ length: 200 }, (_, i) => String(i));
    await publishInput(`${lines.join('\n')}\n`, `${version}/shared`, ...shares, '-l');
    // Behind a member's share comes what is for it alone.
    await Promise.all(group.map((_, member) => publish(end(member), ...shares, '-m', 'end')));
    await Promise.all(group.map((member) => member.shows('end\n')));
    const got = group.map((member) => member.shown.split('\n').filter((line) => /^\d+$/.test(line)));
    expect(got.flat().sort()).toEqual(lines.toSorted());
    expect(Math.min(got[0].length, got[1].length)).toBeGreaterThan(0);
  });
});

describe.skipIf(!areInstalled('mosquitto_pub', 'mosquitto_sub', 'openssl'))("Mosquitto's clients over TLS", () => {
  let broker: BrokerProcess;
  /** Trusts the broker, and can show who it is. */
  let identified: string[];
  let caFile: string;

  beforeAll(async () => {
    const files = await certificates();
    const { certFile, keyFile, clientCertFile, clientKeyFile } = files;
    caFile = files.caFile;
    const asks = [`cafile ${caFile}`, `certfile ${certFile}`, `keyfile ${keyFile}`, 'require_certificate true'];
    broker = await BrokerProcess.start(asks);
    identified = ['--cafile', caFile, '--cert', clientCertFile, '--key', clientKeyFile];
  });

  afterAll(async () => {
    await broker.stop();
    await killAll();
  });

  const run = (name: 'mosquitto_pub' | 'mosquitto_sub', ...argv: readonly string[]) =>
    new RunningProgram(programPath(name), [...broker.flags, ...argv]);

  it.each(VERSIONS)('messages and the will of a client that is killed arrive (%s)', async (version) => {
    const topic = `tls/${version}`;
    const who = (name: string) => [...identified, '-V', version, '-i', `${name}-${version}`];
    const subscriber = run('mosquitto_sub', ...who('sub'), '-t', topic, '-q', '2', '-C', '2', '-F', '%q %p');
    await broker.hasSubscribed(`sub-${version}`, topic);
    const { exitCode, stderr } = await run('mosquitto_pub', ...who('pub'), '-t', topic, '-q', '2', '-m', 'text').ended;
    expect([exitCode, stderr]).toEqual([0, '']);
    const will = ['--will-topic', topic, '--will-payload', 'gone', '--will-qos', '1'];
    const mortal = run('mosquitto_sub', ...who('mortal'), '-t', `${topic}/mortal`, ...will);
    await broker.hasSubscribed(`mortal-${version}`, `${topic}/mortal`);
    await mortal.stop('SIGKILL');
    expect((await subscriber.ended).stdout.toString()).toBe('2 text\n1 gone\n');
  });

  it('a client without a certificate is not let in', async () => {
    const { exitCode } = await run('mosquitto_pub', '--cafile', caFile, '-t', 'tls', '-q', '1', '-m', 'x').ended;
    expect(exitCode).not.toBe(0);
  });
});
