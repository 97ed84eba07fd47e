import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type ActivatedSocket, activatedSockets, socketsOf } from './activated-sockets.js';

const PID = String(process.pid);

function unexpected(fd: number): void {
  expect.unreachable(`descriptor ${fd}`);
}

function tcp(address: string, port: number): ActivatedSocket {
  return { fd: 3, name: '', place: { kind: 'tcp', address, port } };
}

describe('activatedSockets', () => {
  it('are none without the variables, or when they are for another process', () => {
    expect(activatedSockets({}, unexpected)).toEqual([]);
    expect(activatedSockets({ LISTEN_PID: '1', LISTEN_FDS: '2' }, unexpected)).toEqual([]);
    expect(activatedSockets({ LISTEN_PID: PID, LISTEN_FDS: 'x' }, unexpected)).toEqual([]);
  });

  it('leave the environment, so that no child takes them for its own', () => {
    const environment: NodeJS.ProcessEnv = { LISTEN_PID: '1', LISTEN_FDS: '2', LISTEN_FDNAMES: 'a:b', OTHER: 'x' };
    activatedSockets(environment, unexpected);
    expect(environment).toEqual({ OTHER: 'x' });
  });
});

describe('socketsOf', () => {
  const ANY = { port: 1883, address: null, path: null };
  const sockets = [tcp('::', 1883), tcp('127.0.0.1', 1883), tcp('127.0.0.1', 8883)];

  it('are those of the port, and of the address where the listener names one', () => {
    expect(socketsOf(ANY, sockets)).toEqual(sockets.slice(0, 2));
    expect(socketsOf({ ...ANY, address: '127.0.0.1' }, sockets)).toEqual([sockets[1]]);
    expect(socketsOf({ ...ANY, port: 1884 }, sockets)).toEqual([]);
  });

  it('are those of the path', () => {
    const unix: ActivatedSocket = { fd: 4, name: 'x', place: { kind: 'unix', path: '/run/a b.sock' } };
    expect(socketsOf({ port: 0, address: null, path: '/run/a b.sock' }, [...sockets, unix])).toEqual([unix]);
    expect(socketsOf({ port: 0, address: null, path: '/run/c.sock' }, [...sockets, unix])).toEqual([]);
    expect(socketsOf({ port: 0, address: null, path: null }, [unix])).toEqual([]);
  });
});

/** Where a descriptor of this process listens is what a child would find out about the same number. */
describe('where a socket listens', () => {
  let server: Server;
  const folders: string[] = [];

  afterEach(() => {
    server.close();
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  /** What is found of the descriptors from 3 on, among which that of the server is. */
  function found(): ActivatedSocket[] {
    return activatedSockets({ LISTEN_PID: PID, LISTEN_FDS: '200' }, () => {});
  }

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::1', '::1'],
    ['::', '::'],
    ['::ffff:127.0.0.1', '::ffff:7f00:1'],
  ])('is found out for %s', async (host, shown) => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('It has no port');
    expect(found()).toContainEqual(
      expect.objectContaining({ place: { kind: 'tcp', address: shown, port: address.port } }),
    );
  });

  it('is found out for a path, with a space in it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron sockets-'));
    folders.push(folder);
    const path = join(folder, 'mqtt.sock');
    server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(found()).toContainEqual(expect.objectContaining({ place: { kind: 'unix', path } }));
  });

  it('is not known of what does not listen', () => {
    server = createServer();
    const unknown: number[] = [];
    activatedSockets({ LISTEN_PID: PID, LISTEN_FDS: '2' }, (fd) => unknown.push(fd));
    expect(unknown).toEqual([3, 4]);
  });
});
