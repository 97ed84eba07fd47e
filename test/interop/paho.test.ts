import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

describe.skipIf(!areInstalled('python3')).concurrent('Paho Python', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.start(['max_packet_size 20000000']);
  });

  afterAll(async () => {
    await broker.stop();
    await killAll();
  });

  /** Each scenario is a program that ends with 0 when all was as it should be. */
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
        ['messages that are published at once arrive in order', 'many'],
        ['a kept session gets what came after its connection broke', 'broken_connection'],
        ['10 MB arrive whole', 'large'],
      ])('%s', (_, scenario) => play(scenario, version, transport));
    });
  });
});
