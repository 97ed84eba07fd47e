import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const COMMAND = fileURLToPath(new URL('../../bin/cauldron.js', import.meta.url));

/** Stands where systemd does: prints each notification as a line of JSON. */
const MANAGER = `
import json, os, socket, sys
address = sys.argv[1]
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind('\\0' + address[1:] if address.startswith('@') else address)
if not address.startswith('@'): os.chmod(address, 0o777)
print('waiting', flush=True)
while True:
    print(json.dumps(receiver.recv(4096).decode()), flush=True)
`;

/** Stands in for the program of systemd where that is not installed. */
const NOTIFY = `#!PYTHON
import os, socket, sys
address = os.environ['NOTIFY_SOCKET']
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
fields = ['MAINPID=' + a[6:] if a.startswith('--pid=') else a for a in sys.argv[1:]]
sender.sendto('\\n'.join(fields).encode(), '\\0' + address[1:] if address.startswith('@') else address)
`;

/** Opens sockets, and becomes the broker, as systemd does: descriptors from 3 on, and variables that say so. */
const ACTIVATOR = `
import fcntl, os, socket, sys
sockets = []
for place in sys.argv[1].split(','):
    if place.startswith('/'):
        s = socket.socket(socket.AF_UNIX)
        s.bind(place)
    else:
        s = socket.socket(socket.AF_INET6 if ':' in place else socket.AF_INET)
        host, port = place.rsplit('=', 1)
        s.bind((host, int(port)))
    s.listen(16)
    sockets.append(s.detach())
moved = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in sockets]
for index, fd in enumerate(moved): os.dup2(fd, 3 + index)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=sys.argv[2])
os.closerange(3 + len(sockets), 256)
os.execv(sys.argv[3], sys.argv[3:])
`;

let folder: string;
const at = (name: string): string => join(folder, name);

const python = areInstalled('python3') ? programPath('python3') : null;

/** Wherever it is; the tests have one of their own if it is nowhere. */
function startManager(address: string): RunningProgram {
  return new RunningProgram(python ?? '', ['-c', MANAGER, address]);
}

function configure(...lines: readonly string[]): void {
  writeFileSync(at('test.conf'), ['allow_anonymous true', 'log_timestamp false', ...lines, ''].join('\n'));
}

function startBroker(environment: NodeJS.ProcessEnv): RunningProgram {
  const { npm_lifecycle_event: _, ...env } = process.env;
  const argv = [COMMAND, 'broker', '-c', at('test.conf')];
  return new RunningProgram(process.execPath, argv, '', { ...env, XDG_RUNTIME_DIR: folder, ...environment });
}

/** The notifications so far, each as a list of its fields. */
function notifications(manager: RunningProgram): string[][] {
  const lines = manager.shown.split('\n').filter((line) => line.startsWith('"'));
  return lines
    .map((line) => (JSON.parse(line) as string).split('\n'))
    .filter(([first]) => !first.startsWith('BARRIER'));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-service-'));
  writeFileSync(at('systemd-notify'), NOTIFY.replace('PYTHON', python ?? ''));
  chmodSync(at('systemd-notify'), 0o755);
  configure('listener 0 127.0.0.1');
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

describe.skipIf(python === null)('a broker under a service manager', () => {
  it.each([
    ['by a socket in the file system, through a program of the tests', false, false],
    ['by an abstract socket, through the same', true, false],
    ["by a socket in the file system, through systemd's own program if there is one", false, true],
  ])('tells it what it does, %s', async (_title, isAbstract, isReal) => {
    const address = isAbstract ? `@${at('manager')}` : at('manager');
    const manager = startManager(address);
    await manager.shows('waiting');
    const path = isReal ? `${process.env.PATH}:${folder}` : `${folder}:${process.env.PATH}`;
    const broker = startBroker({ NOTIFY_SOCKET: address, PATH: path });
    await manager.shows('READY=1');
    const { pid } = broker.process;
    expect(notifications(manager)[0]).toEqual(
      expect.arrayContaining([
        `MAINPID=${pid}`,
        'READY=1',
        expect.stringMatching(/^STATUS=Listening on 127\.0\.0\.1:\d+$/),
      ]),
    );
    const before = process.hrtime.bigint() / 1000n;
    broker.process.kill('SIGHUP');
    await manager.showsMatch(/RELOADING=1[\s\S]*READY=1/);
    const reloading = notifications(manager)[1];
    const [, monotonicUs] = /^MONOTONIC_USEC=(\d+)$/m.exec(reloading.join('\n')) ?? [];
    expect(BigInt(monotonicUs)).toBeGreaterThanOrEqual(before);
    expect(BigInt(monotonicUs)).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n);
    await broker.stop();
    await manager.shows('STOPPING=1');
    expect(notifications(manager).map((fields) => fields.find((field) => field.endsWith('=1')))).toEqual([
      'READY=1',
      'RELOADING=1',
      'READY=1',
      'STOPPING=1',
    ]);
  });

  it('is ready again after a configuration was refused', async () => {
    const manager = startManager(at('manager'));
    await manager.shows('waiting');
    const broker = startBroker({ NOTIFY_SOCKET: at('manager'), PATH: `${folder}:${process.env.PATH}` });
    await manager.shows('READY=1');
    configure('max_qos 9');
    broker.process.kill('SIGHUP');
    await manager.showsMatch(/RELOADING=1[\s\S]*READY=1/);
    expect(broker.shown).toContain('the configuration was not reloaded');
  });

  it('says that it is alive as often as it is asked to, and only if it is the one who was asked', async () => {
    const manager = startManager(at('manager'));
    await manager.shows('waiting');
    const common = { NOTIFY_SOCKET: at('manager'), WATCHDOG_USEC: '200000', PATH: `${folder}:${process.env.PATH}` };
    const other = startBroker({ ...common, WATCHDOG_PID: '1' });
    await manager.shows('READY=1');
    startBroker(common);
    await manager.showsMatch(/(WATCHDOG=1[\s\S]*){3}/);
    const alive = notifications(manager).filter((fields) => fields.includes('WATCHDOG=1'));
    for (const fields of alive) expect(fields).not.toContain(`MAINPID=${other.process.pid}`);
  });

  it('says once in its log that the manager cannot be told anything', async () => {
    const empty = mkdtempSync(join(folder, 'empty-'));
    // The one program that the command itself needs.
    symlinkSync(process.execPath, join(empty, 'node'));
    const broker = startBroker({ NOTIFY_SOCKET: at('manager'), PATH: empty });
    await broker.shows('systemd cannot be told that the broker runs: there is no program systemd-notify.');
    broker.process.kill('SIGHUP');
    await broker.shows('Configuration reloaded.');
    await broker.stop();
    expect(broker.shown.match(/systemd cannot be told/g)).toHaveLength(1);
  });
});

describe.skipIf(python === null)('a broker that is given sockets', () => {
  function activate(places: readonly string[], names: string): RunningProgram {
    const { npm_lifecycle_event: _, ...env } = process.env;
    const argv = ['-c', ACTIVATOR, places.join(','), names, process.execPath, COMMAND, 'broker', '-c', at('test.conf')];
    return new RunningProgram(python ?? '', argv, '', { ...env, XDG_RUNTIME_DIR: folder });
  }

  function answers(place: { port: number } | { path: string }): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', ...place }, () => {
        // CONNECT of MQTT 3.1.1, with a client id of the broker's choice.
        socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex'));
      });
      socket.on('data', (bytes: Buffer) => {
        socket.destroy();
        resolve(bytes.toString('hex'));
      });
      socket.on('error', reject);
    });
  }

  const ACCEPTED = '20020000';

  it('listens on them, and opens nothing else for the same listener', async () => {
    const port = await freePort();
    configure(`listener ${port}`, `listener 0 ${at('mqtt.sock')}`);
    const broker = activate([`127.0.0.1=${port}`, at('mqtt.sock')], 'mqtt:local');
    await broker.shows(' running\n');
    expect(broker.shown).toContain(
      `Taking over the listen socket on 127.0.0.1:${port} from the service manager: descriptor 3 (mqtt).`,
    );
    expect(broker.shown).toContain(`Taking over the listen socket on ${at('mqtt.sock')} from the service manager`);
    expect(broker.shown).not.toContain('Opening');
    expect(await answers({ port })).toBe(ACCEPTED);
    expect(await answers({ path: at('mqtt.sock') })).toBe(ACCEPTED);
    broker.process.kill('SIGHUP');
    await broker.shows('Configuration reloaded.');
    expect(await answers({ port })).toBe(ACCEPTED);
  });

  it('opens its own once a configuration has let go of them', async () => {
    const [port, another] = [await freePort(), await freePort()];
    configure(`listener ${port} 127.0.0.1`);
    const broker = activate([`127.0.0.1=${port}`], '');
    await broker.shows(' running\n');
    configure(`listener ${another} 127.0.0.1`);
    broker.process.kill('SIGHUP');
    await broker.showsMatch(/(Configuration reloaded\.[\s\S]*){1}/);
    configure(`listener ${port} 127.0.0.1`);
    broker.process.kill('SIGHUP');
    await broker.showsMatch(/(Configuration reloaded\.[\s\S]*){2}/);
    expect(broker.shown).toContain(`Opening ipv4 listen socket on port ${port}.`);
    expect(await answers({ port })).toBe(ACCEPTED);
  });

  it('warns of those that no listener is for', async () => {
    const port = await freePort();
    const broker = activate([`127.0.0.1=${port}`], '');
    await broker.shows(
      `No listener is configured for the socket that the service manager has opened on 127.0.0.1:${port}`,
    );
  });
});
