import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killAll, RunningProgram } from '../../../../test/support/running-program.js';
import { listenAtPath, SocketPathError } from './unix-socket.js';

let folder: string;
let servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-sockets-'));
});

afterEach(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  servers = [];
  await killAll();
  rmSync(folder, { recursive: true });
});

async function listen(path: string, mode = 0o770): Promise<Server> {
  const server = createServer();
  await listenAtPath(server, path, mode, 16);
  servers.push(server);
  return server;
}

/** Leaves a socket behind that nobody answers at, as a process does that is killed. */
async function leaveBehind(path: string): Promise<void> {
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('ready'))`;
  const program = new RunningProgram(process.execPath, ['-e', code]);
  await program.shows('ready');
  await program.stop('SIGKILL');
  expect(statSync(path).isSocket()).toBe(true);
}

describe('a Unix socket', () => {
  it.each([0o770, 0o700, 0o777, 0o600])('gets the permissions that are wanted (%i)', async (mode) => {
    const path = join(folder, 'a.sock');
    const before = process.umask();
    await listen(path, mode);
    expect(statSync(path).mode & 0o777).toBe(mode);
    expect(process.umask()).toBe(before);
  });

  it('goes when its server is closed', async () => {
    const path = join(folder, 'a.sock');
    const server = await listen(path);
    await new Promise((resolve) => server.close(resolve));
    servers = [];
    expect(existsSync(path)).toBe(false);
  });

  it('takes the place of one that nobody answers at', async () => {
    const path = join(folder, 'a.sock');
    await leaveBehind(path);
    const server = await listen(path);
    expect(server.address()).toBe(path);
  });

  it('does not take the place of one that somebody answers at', async () => {
    const path = join(folder, 'a.sock');
    await listen(path);
    await expect(listen(path)).rejects.toThrow(`Somebody answers at the socket ${path}`);
    expect(existsSync(path)).toBe(true);
  });

  it.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'precious')],
    ['a folder', (path) => mkdirSync(path)],
    ['a link to somewhere else', (path) => symlinkSync('/dev/null', path)],
  ])('does not take the place of %s', async (_, make) => {
    const path = join(folder, 'a.sock');
    make(path);
    const before = statSync(path);
    await expect(listen(path)).rejects.toThrow('is no socket, so it is not replaced');
    expect(statSync(path).ino).toBe(before.ino);
  });

  it('cannot be made in a folder that is not there', async () => {
    await expect(listen(join(folder, 'nowhere', 'a.sock'))).rejects.toThrow('its folder is not there');
  });

  it('cannot have a path that is longer than the system takes', async () => {
    const path = join(folder, 'x'.repeat(100));
    await expect(listen(path)).rejects.toThrow(SocketPathError);
    await expect(listen(path)).rejects.toThrow('107 at most');
  });
});
