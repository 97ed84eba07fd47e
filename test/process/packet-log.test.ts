import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { RunningProgram } from '../support/running-program.js';

/** Packets of the subscriber and of the publisher that are logged, by QoS: CONNECT is not. */
const PACKETS = [
  [7, 3],
  [8, 4],
  [10, 6],
];

describe.skipIf(!areInstalled('mosquitto', 'mosquitto_pub', 'mosquitto_sub'))("the log of 'broker -v'", () => {
  let folder: string;
  let ours: BrokerProcess;
  let theirs: { readonly program: RunningProgram; readonly flags: string[] };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-log-'));
    const [port, file] = [await freePort(), join(folder, 'mosquitto.conf')];
    writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_timestamp false\n`);
    const program = new RunningProgram(programPath('mosquitto'), ['-v', '-c', file]);
    await program.shows('running');
    theirs = { program, flags: ['-h', '127.0.0.1', '-p', String(port)] };
    ours = await BrokerProcess.start([], ['-v']);
  });

  afterAll(async () => {
    await Promise.all([ours.stop(), theirs.program.stop()]);
    rmSync(folder, { recursive: true });
  });

  /** What a broker logs about the packets of a subscriber, and of a publisher. */
  async function linesOf(broker: { program: RunningProgram; flags: string[] }, version: string, qos: string) {
    const before = broker.program.shown.length;
    const [subscriber, publisher] = [`sub-${version}-${qos}`, `pub-${version}-${qos}`];
    const client = [...broker.flags, '-V', version, '-q', qos, '-t', `log/${version}/${qos}`];
    const sub = new RunningProgram(programPath('mosquitto_sub'), [
      ...client,
      '-U',
      'other',
      '-i',
      subscriber,
      '-C',
      '1',
    ]);
    await broker.program.shows(`Sending UNSUBACK to ${subscriber}\n`);
    const pub = new RunningProgram(programPath('mosquitto_pub'), [...client, '-i', publisher, '-m', 'text']);
    await Promise.all([sub.ended, pub.ended]);
    for (const id of [subscriber, publisher])
      await broker.program.showsMatch(new RegExp(`Client ${id} .*disconnected`));
    // Topics stand in lines of their own, below those of their packets.
    const lines = broker.program.shown.slice(before).replaceAll('\n\t', ' ').split('\n');
    // Those of one client in their order; how those of two mix is a matter of timing.
    const about = (id: string) => lines.filter((line) => /^(Received|Sending) /.test(line) && line.includes(id));
    return [about(subscriber), about(publisher)];
  }

  it.each(['31', '311', '5'].flatMap((version) => ['0', '1', '2'].map((qos) => [version, qos] as const)))(
    'has the lines of Mosquitto (MQTT %s, QoS %s)',
    async (version, qos) => {
      const expected = await linesOf(theirs, version, qos);
      expect(expected.map((lines) => lines.length)).toEqual(PACKETS[Number(qos)]);
      expect(await linesOf(ours, version, qos)).toEqual(expected);
    },
  );
});
