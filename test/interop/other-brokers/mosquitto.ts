import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { programPath } from '../../support/programs.js';
import { RunningProgram } from '../../support/running-program.js';
import type { StartedBroker } from '../own-clients/suite.js';

/** Mosquitto, open to everybody on this machine. `config`: more lines for its configuration file. */
export async function startMosquitto(config: readonly string[] = []): Promise<StartedBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-mosquitto-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `user ${process.env.USER ?? 'root'}`,
    // 2.0.11 forgets to go on with QoS 2 messages that have to wait for their turn.
    'max_inflight_messages 100',
    ...config,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const program = new RunningProgram(programPath('mosquitto'), ['-c', file]);
  await program.shows('running');
  return {
    port,
    credentials: {},
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
