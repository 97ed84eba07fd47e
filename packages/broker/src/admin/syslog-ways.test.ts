import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { syslogByProgram, syslogBySocket, syslogByUdp } from './syslog-ways.js';

const DAEMON_NOTICE = 29;
const TIME = '[A-Z][a-z]{2} [ \\d]\\d \\d{2}:\\d{2}:\\d{2}';
const fail = (why: string): never => expect.unreachable(why);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-syslog-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('a stream socket', () => {
  it('gets lines in the form of RFC 3164', async () => {
    const path = join(folder, 'log');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const channel = await syslogBySocket(path)(fail);
    const [socket] = await accepted;
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes;
    });
    const ended = once(socket, 'end');
    channel.write(DAEMON_NOTICE, 'New connection.');
    channel.write(DAEMON_NOTICE, 'ü'.repeat(8000));
    await channel.close();
    await ended;
    const line = `<29>${TIME} cauldron\\[${process.pid}\\]: `;
    expect(text).toMatch(new RegExp(`^${line}New connection\\.\n${line}ü{4096}\n$`));
    server.close();
  });

  it('that is not there, or is none, is an error', async () => {
    await expect(syslogBySocket(join(folder, 'none'))(fail)).rejects.toThrow(/ENOENT/);
  });

  it('that is closed says so', async () => {
    const path = join(folder, 'log');
    const server = createServer((socket) => socket.destroy()).listen(path);
    await once(server, 'listening');
    const gone = new Promise((resolve, reject) => {
      syslogBySocket(path)(resolve).catch(reject);
    });
    expect(await gone).toBe(`${path} was closed`);
    server.close();
  });
});

describe('the program logger', () => {
  /** A program that stands in its place: it shows its arguments and what it reads. */
  function program(script: string): string {
    const path = join(folder, 'logger');
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  }

  it('gets lines with their priority', async () => {
    const output = join(folder, 'output');
    const channel = await syslogByProgram(program(`echo "$@" > ${output}; cat >> ${output}`), 200)(fail);
    channel.write(DAEMON_NOTICE, 'New connection.');
    await channel.close();
    const [flags, ...lines] = readFileSync(output, 'utf8').split('\n');
    expect(flags).toContain('--prio-prefix');
    expect(flags).toContain(`--tag cauldron --id=${process.pid}`);
    expect(lines).toEqual(['<29>New connection.', '']);
  });

  it('that ends at once is an error with its own words', async () => {
    const path = program('echo "logger: socket /dev/log: No such file" >&2; exit 1');
    await expect(syslogByProgram(path, 30_000)(fail)).rejects.toThrow(
      `${path} ended: logger: socket /dev/log: No such file`,
    );
  });

  it('that is not there is an error', async () => {
    await expect(syslogByProgram(join(folder, 'none'), 30_000)(fail)).rejects.toThrow(/ENOENT/);
  });

  it('that ends later says so', async () => {
    const path = program('read line; echo "$line" >&2; exit 1');
    const gone = new Promise((resolve, reject) => {
      syslogByProgram(path, 200)(resolve).then((channel) => channel.write(DAEMON_NOTICE, 'x'), reject);
    });
    expect(await gone).toBe(`${path} ended: <29>x`);
  });
});

describe('UDP', () => {
  it('carries lines in the form of RFC 3164, each in a datagram', async () => {
    const server = createSocket('udp4').bind(0, '127.0.0.1');
    await once(server, 'listening');
    const received = once(server, 'message') as Promise<[Buffer]>;
    const channel = await syslogByUdp('127.0.0.1', server.address().port)(fail);
    channel.write(DAEMON_NOTICE, 'New connection.');
    const [message] = await received;
    expect(message.toString()).toMatch(
      new RegExp(`^<29>${TIME} [^ .]+ cauldron\\[${process.pid}\\]: New connection\\.$`),
    );
    await channel.close();
    server.close();
  });

  it('says so when nobody listens', async () => {
    const free = createSocket('udp4').bind(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address();
    free.close();
    const gone = new Promise<string>((resolve, reject) => {
      syslogByUdp(
        '127.0.0.1',
        port,
      )(resolve).then((channel) => {
        // The first is refused by a message that comes back, which the second sees at the latest.
        channel.write(DAEMON_NOTICE, 'a');
        setImmediate(() => channel.write(DAEMON_NOTICE, 'b'));
      }, reject);
    });
    expect(await gone).toBe(`nobody listens on UDP port ${port} of 127.0.0.1`);
  });
});
