import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

describe.skipIf(!areInstalled('python3')).concurrent('paho-mqtt', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.start(['max_packet_size 20000000']);
  });

  afterAll(async () => {
    await broker.stop();
    await killAll();
  });

  /** Each scenario is a program that ends with 0 when all was as it should be. Some wait for a second: they run together. */
  async function play(scenario: string, version: number, transport: string): Promise<void> {
    const script = fileURLToPath(new URL(`paho/${scenario}.py`, import.meta.url));
    // -B: no compiled files beside the sources.
    const argv = ['-B', script, String(broker.port), String(version), transport];
    const { exitCode, stderr } = await new RunningProgram(programPath('python3'), argv).ended;
    expect([stderr, exitCode]).toEqual(['', 0]);
  }

  describe.each(['tcp', 'websockets'])('over %s', (transport) => {
    describe.each([3, 4, 5])('protocol version %i', (version) => {
      it.each([
        ['messages of each QoS arrive as they were published', 'quality_of_service'],
        ['a retained message waits for subscribers', 'retained'],
        ['the will is published when the program is killed', 'will'],
        ['a kept session gets what came while it was away', 'kept_session'],
        ['a second client with the same id takes over', 'take_over'],
        ['10 MB arrive whole', 'large'],
      ])('%s', (_, scenario) => play(scenario, version, transport));
    });

    it('properties arrive as they were published', () => play('properties', 5, transport));
  });
});
