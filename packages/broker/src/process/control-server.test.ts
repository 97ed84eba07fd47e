import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askBroker, ControlRefused, ControlUnreachable, runningBrokers } from './control-client.js';
import { controlSocketPath, makeControlFolder } from './control-folder.js';
import { MAX_LINE_BYTES } from './control-protocol.js';
import { ControlCommands, ControlServer } from './control-server.js';

const uid = process.geteuid?.() ?? 0;
const gid = process.getegid?.() ?? 0;

let runtime: string;
let environment: NodeJS.ProcessEnv;
let folder: string;
let path: string;
let server: ControlServer;
let commands: ControlCommands;

beforeEach(async () => {
  runtime = mkdtempSync(join(tmpdir(), 'cauldron-control-'));
  environment = { XDG_RUNTIME_DIR: runtime };
  folder = makeControlFolder({ uid, gid }, environment);
  path = controlSocketPath(folder);
  commands = new ControlCommands();
  server = await ControlServer.open(folder, commands);
});

afterEach(() => {
  server.close();
  rmSync(runtime, { recursive: true });
});

/** Sends bytes, and resolves with all that comes until the server closes. */
function talk(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(path, () => socket.write(bytes));
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
    });
  });
}

describe('the control socket', () => {
  it('answers with what a command has found out', async () => {
    commands.add('double', ({ number }) => ({ number: Number(number) * 2 }));
    expect(await askBroker(path, { command: 'double', number: 21 })).toEqual({ number: 42 });
  });

  it('gives lines ahead of the outcome, as fast as they are taken', async () => {
    const text = 'x'.repeat(10_000);
    let said = 0;
    commands.add('tree', async (_request, say) => {
      for (; said < 2000; said++) await say(`${said} ${text}`);
      return { said };
    });
    const lines: string[] = [];
    let release = (): void => {};
    const answer = askBroker(path, { command: 'tree' }, (line) => {
      lines.push(line);
      if (lines.length > 1) return undefined;
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    });
    while (lines.length === 0) await new Promise(setImmediate);
    // What the kernel takes for a reader that does nothing is a small part of 20 MB.
    for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
    expect(said).toBeLessThan(500);
    release();
    expect(await answer).toEqual({ said: 2000 });
    expect(lines.map((line) => Number.parseInt(line, 10))).toEqual([...lines.keys()]);
    expect(lines).toHaveLength(2000);
  });

  it('says what was wrong: all problems, or the message of an error', async () => {
    commands.add('reload', () => {
      throw Object.assign(new Error('two'), { problems: ['one is wrong', 'the other, too'] });
    });
    commands.add('save', () => Promise.reject(new Error('the disk is full')));
    const problemsOf = (command: string): Promise<readonly string[]> =>
      askBroker(path, { command }).then(
        () => [],
        (error: ControlRefused) => error.problems,
      );
    expect(await problemsOf('reload')).toEqual(['one is wrong', 'the other, too']);
    expect(await problemsOf('save')).toEqual(['the disk is full']);
    expect(await problemsOf('jump')).toEqual(["There is no command 'jump' here, only reload, save."]);
    await expect(askBroker(path, { command: 'jump' })).rejects.toBeInstanceOf(ControlRefused);
  });

  it('answers the requests of a connection one after the other', async () => {
    const order: string[] = [];
    commands.add('slow', async () => {
      order.push('slow begins');
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      order.push('slow ends');
      return {};
    });
    commands.add('fast', () => {
      order.push('fast');
      server.close();
      return {};
    });
    await talk('{"command":"slow"}\n{"command":"fast"}\n');
    expect(order).toEqual(['slow begins', 'slow ends', 'fast']);
  });

  it.each(['nonsense', '[]', 'null', '{"command":1}'])('refuses %s, and goes on', async (text) => {
    commands.add('end', () => {
      server.close();
      return {};
    });
    expect(await talk(`${text}\n{"command":"end"}\n`)).toMatch(/^\{"problems":\[".+"\]\}\n/);
  });

  it('ends a connection that sends a line without end, or many requests at once', async () => {
    commands.add('never', () => new Promise<never>(() => {}));
    expect(await talk('x'.repeat(MAX_LINE_BYTES + 1))).toBe('');
    expect(await talk('{"command":"never"}\n'.repeat(100))).toBe('');
  });

  it('is gone when the server is closed, and whoever waits hears it', async () => {
    let hasBegun = (): void => {};
    const begun = new Promise<void>((resolve) => {
      hasBegun = resolve;
    });
    commands.add('never', () => {
      hasBegun();
      return new Promise<never>(() => {});
    });
    const answer = askBroker(path, { command: 'never' });
    await begun;
    server.close();
    await expect(answer).rejects.toBeInstanceOf(ControlUnreachable);
    expect(existsSync(path)).toBe(false);
    await expect(askBroker(path, { command: 'never' })).rejects.toBeInstanceOf(ControlUnreachable);
  });

  it('lies where only its owner can reach it, and is found there', () => {
    expect(path).toBe(join(runtime, 'cauldron', `${process.pid}.sock`));
    expect([lstatSync(folder).mode & 0o777, lstatSync(path).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(runningBrokers(environment)).toContainEqual({ pid: process.pid, path });
  });

  it('takes the place of what an earlier process has left, and clears away what others have', async () => {
    server.close();
    // No process has this number: it is above the largest one.
    writeFileSync(join(folder, '999999999.sock'), '');
    writeFileSync(path, '');
    expect(runningBrokers(environment)).not.toContainEqual(expect.objectContaining({ pid: 999999999 }));
    server = await ControlServer.open(folder, commands);
    expect(existsSync(join(folder, '999999999.sock'))).toBe(false);
    commands.add('ping', () => ({}));
    expect(await askBroker(path, { command: 'ping' })).toEqual({});
  });
});

describe('makeControlFolder', () => {
  it('closes a folder to others that was open to them', () => {
    chmodSync(folder, 0o755);
    makeControlFolder({ uid, gid }, environment);
    expect(lstatSync(folder).mode & 0o777).toBe(0o700);
  });

  it('goes elsewhere when somebody has put a link or a file there', () => {
    const other = mkdtempSync(join(tmpdir(), 'cauldron-control-'));
    try {
      mkdirSync(join(other, 'elsewhere'));
      symlinkSync(join(other, 'elsewhere'), join(other, 'cauldron'));
      expect(makeControlFolder({ uid, gid }, { XDG_RUNTIME_DIR: other })).not.toContain(other);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it("does not take another user's runtime folder", () => {
    // Root's, if this is not root; and if it is, /proc/1 is no folder where anything can be made.
    expect(makeControlFolder({ uid, gid }, { XDG_RUNTIME_DIR: '/proc/1' })).not.toContain('/proc');
  });
});
