import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { startMosquitto } from './other-brokers/mosquitto.js';

/** Both publish what changed each second. */
const EACH_SECOND = 'sys_interval 1';

const areThere = areInstalled('mosquitto', 'mosquitto_pub', 'mosquitto_sub');

/** One topic: what is in it, and how it comes to a subscriber that comes late. */
interface Said {
  readonly qos: string;
  readonly retain: string;
  readonly text: string;
}

/**
 * What is said after two messages that nobody wants, while one client has two subscriptions. (Not retained ones: those
 * 2.0.11 does not count.)
 */
async function topicsOf(port: number): Promise<Map<string, Said>> {
  const address = ['-h', '127.0.0.1', '-p', String(port)];
  for (const [topic, message] of [
    ['interop/a', '12345'],
    ['interop/b', '1'],
  ]) {
    const argv = [...address, '-t', topic, '-m', message, '-q', '1'];
    expect((await new RunningProgram(programPath('mosquitto_pub'), argv, '').ended).exitCode).toBe(0);
  }
  const flags = ['-q', '2', '-F', '%t\t%q\t%r\t%p'];
  const watch = (): RunningProgram =>
    new RunningProgram(programPath('mosquitto_sub'), [...address, '-t', '$SYS/#', '-t', 'interop/#', ...flags]);
  const first = watch();
  // What an update says follows its uptime: with the fourth, all is known that the first changed.
  await first.showsMatch(/(?:uptime\t2\t0\t\d+ seconds\n[\s\S]*?){4}/);
  const texts = new Map(linesOf(first).map(([topic, , , text]) => [topic, text]));
  const late = watch();
  await late.showsMatch(/uptime\t2\t0\t/);
  // Asked to end, mosquitto_sub 2.0.11 may wait for ever for what is under way.
  await Promise.all([first.stop('SIGKILL'), late.stop('SIGKILL')]);
  const topics = new Map<string, Said>();
  for (const [topic, qos, retain] of linesOf(late)) {
    if (!topics.has(topic)) topics.set(topic, { qos, retain, text: texts.get(topic) ?? '' });
  }
  return topics;
}

function linesOf(program: RunningProgram): string[][] {
  const whole = program.shown.split('\n').slice(0, -1);
  return whole.map((line) => line.split('\t'));
}

/** What kind of text a topic has, whatever its figure is. */
const kindOf = ({ text }: Said): string => text.replace(/\d+/g, '9');

describe.skipIf(!areThere)("the topics below $SYS beside Mosquitto's", () => {
  let theirs: Map<string, Said>;
  let ours: Map<string, Said>;

  beforeAll(async () => {
    const [mosquitto, cauldron] = await Promise.all([
      startMosquitto([EACH_SECOND]),
      BrokerProcess.start([EACH_SECOND]),
    ]);
    [theirs, ours] = await Promise.all([topicsOf(mosquitto.port), topicsOf(cauldron.port)]);
    await Promise.all([mosquitto.stop(), cauldron.stop()]);
  });

  afterAll(killAll);

  it('are all there', () => {
    expect(theirs.size).toBeGreaterThan(50);
    expect([...theirs.keys()].filter((topic) => !ours.has(topic))).toEqual([]);
  });

  it('have the same form, QoS and retain flag', () => {
    const version = '$SYS/broker/version';
    for (const [topic, said] of theirs) {
      if (topic === version) continue;
      const own = ours.get(topic);
      expect([topic, own?.qos, own?.retain]).toEqual([topic, said.qos, said.retain]);
      expect([topic, own && kindOf(own)]).toEqual([topic, kindOf(said)]);
    }
    expect(ours.get(version)?.text).toMatch(/^cauldron version \d+\.\d+\.\d+/);
    expect(theirs.get(version)?.text).toMatch(/^mosquitto version \d+\.\d+\.\d+/);
  });

  it.each([
    'clients/total',
    'clients/maximum',
    'clients/connected',
    'clients/active',
    'clients/disconnected',
    'clients/inactive',
    'clients/expired',
    'publish/messages/received',
    'publish/messages/dropped',
    'publish/bytes/received',
    'subscriptions/count',
    'shared_subscriptions/count',
  ])('say the same of what was the same: %s', (name) => {
    const topic = `$SYS/broker/${name}`;
    expect(ours.get(topic)?.text).toBe(theirs.get(topic)?.text);
  });
});
