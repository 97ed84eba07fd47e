import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.js';
import { RunningProgram } from '../../support/running-program.js';
import type { StartedBroker } from '../own-clients/suite.js';

/**
 * The MQTT module of ejabberd, as Debian packs it: not as the service that the package brings, but as a child with its
 * own folder. It gets no name as an Erlang node, so nothing is left running beside it. Whoever has a user name gets in.
 */
export async function startEjabberd(): Promise<StartedBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-ejabberd-'));
  const port = await freePort();
  const config = join(folder, 'ejabberd.yml');
  writeFileSync(config, configuration(port));
  const env = {
    ...process.env,
    ERL_LIBS: librariesFolder(),
    ERL_CRASH_DUMP: join(folder, 'crash'),
    EJABBERD_CONFIG_PATH: config,
    EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
  };
  const argv = ['-noinput', '-mnesia', 'dir', `"${join(folder, 'spool')}"`, '-s', 'ejabberd'];
  const program = new RunningProgram('erl', argv, undefined, env);
  await program.shows(`Start accepting TCP connections at 127.0.0.1:${port}`);
  return {
    port,
    credentials: { username: 'anna@localhost', password: 'any' },
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

const configuration = (port: number) => `
hosts: [localhost]
loglevel: info
auth_method: anonymous
anonymous_protocol: login_anon
allow_multiple_connections: true
listen:
  - port: ${port}
    ip: "127.0.0.1"
    module: mod_mqtt
modules:
  mod_mqtt: {}
`;

/** Debian keeps the package's code below the folder of the machine's architecture. */
function librariesFolder(): string {
  const folder = readdirSync('/usr/lib')
    .map((name) => join('/usr/lib', name))
    .find((path) => path.endsWith('-linux-gnu') && readdirSync(path).some((name) => name.startsWith('ejabberd-')));
  if (folder === undefined) throw new Error('ejabberd is not where Debian has it');
  return folder;
}
