import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { hostname } from 'node:os';

/** How syslog calls the lines of this program. */
const TAG = 'cauldron';

/** A line is cut here: what takes it may have less room, and a datagram has an end. */
const MAX_LINE_BYTES = 8192;

/** How long a program that is started may take to find out that it cannot do its work. */
const TRIAL_MS = 500;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A way to the system's log that is open. */
export interface SyslogChannel {
  /** Bytes that were given to it and are not gone yet. */
  readonly pendingBytes: number;
  /** `priority`: facility and severity, as RFC 3164 computes it. */
  write(priority: number, line: string): void;
  /** Writes what is left, and closes. Resolves after a bounded time. */
  close(): Promise<void>;
}

/**
 * Opens one. Rejects with why it cannot. `onGone` is called once if it ends later, unless `close` was called.
 */
export type OpenSyslog = (onGone: (why: string) => void) => Promise<SyslogChannel>;

/** How long `close` waits for what is left. */
const CLOSE_LIMIT_MS = 1000;

/** By a stream socket; Node cannot speak to those that take datagrams, which is what systemd has there. */
export function syslogBySocket(path: string): OpenSyslog {
  return (onGone) =>
    new Promise((resolve, reject) => {
      const socket = connect({ path });
      socket.unref();
      let isClosing = false;
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', () => {}); // 'close' follows
        socket.on('close', () => {
          if (!isClosing) onGone(`${path} was closed`);
        });
        resolve({
          get pendingBytes() {
            return socket.writableLength;
          },
          write: (priority, line) => socket.write(`${header(priority, new Date())}${cut(line)}\n`),
          close: () => {
            isClosing = true;
            const closed = new Promise<void>((done) => socket.once('close', () => done()));
            socket.end(() => socket.destroy());
            return within(closed, () => socket.destroy());
          },
        });
      });
    });
}

/** By the program `logger` of util-linux, which reads lines with their priority. */
export function syslogByProgram(program: string, trialMs: number = TRIAL_MS): OpenSyslog {
  const flags = ['--prio-prefix', '--skip-empty', '--socket-errors=on', '--size', String(MAX_LINE_BYTES)];
  const argv = [...flags, '--tag', TAG, `--id=${process.pid}`];
  return (onGone) =>
    new Promise((resolve, reject) => {
      // A group of its own: Ctrl+C in the terminal is for the broker, whose last lines are still to come.
      const child = spawn(program, argv, { detached: true, stdio: ['pipe', 'ignore', 'pipe'] });
      const complaint = lastLineOf(child);
      let isClosing = false;
      let gone = (why: string): void => reject(new Error(why));
      const exited = new Promise<void>((done) => {
        child.on('error', (error) => {
          gone(error.message);
          done();
        });
        child.once('exit', () => {
          if (!isClosing) gone(`${program} ended${complaint()}`);
          done();
        });
      });
      const { stdin } = child;
      stdin.on('error', () => {}); // 'exit' follows
      child.unref();
      const trial = setTimeout(() => {
        if (child.exitCode !== null || child.pid === undefined) return;
        gone = onGone;
        resolve({
          get pendingBytes() {
            return stdin.writableLength;
          },
          write: (priority, line) => stdin.write(`<${priority}>${cut(line)}\n`),
          close: () => {
            isClosing = true;
            stdin.end();
            return within(exited, () => child.kill('SIGKILL'));
          },
        });
      }, trialMs);
      exited.then(() => clearTimeout(trial));
    });
}

/** By datagrams, for machines where a syslog server listens to the network. */
export function syslogByUdp(host: string, port: number): OpenSyslog {
  const from = hostname().split('.', 1)[0];
  return (onGone) =>
    new Promise((resolve, reject) => {
      const socket = createSocket('udp4');
      socket.unref();
      let isOpen = false;
      let isClosed = false;
      const close = (): void => {
        if (!isClosed) socket.close();
        isClosed = true;
      };
      socket.on('error', () => {
        close();
        if (isOpen) onGone(`nobody listens on UDP port ${port} of ${host}`);
        else reject(new Error(`UDP port ${port} of ${host} cannot be reached`));
      });
      socket.connect(port, host, () => {
        isOpen = true;
        let sending = 0;
        resolve({
          get pendingBytes() {
            return isClosed ? 0 : socket.getSendQueueSize();
          },
          write: (priority, line) => {
            if (isClosed) return;
            sending++;
            socket.send(`${header(priority, new Date(), from)}${cut(line)}`, (error) => {
              sending--;
              if (error !== null && !isClosed) socket.emit('error', error);
            });
          },
          close: async () => {
            isOpen = false;
            for (let turn = 0; sending > 0 && turn < 100; turn++) await new Promise(setImmediate);
            close();
          },
        });
      });
    });
}

/** RFC 3164, 4.1. The name of the machine is left out where the reader is on the same. */
function header(priority: number, time: Date, host?: string): string {
  const day = String(time.getDate()).padStart(2);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0'));
  const from = host === undefined ? '' : `${host} `;
  return `<${priority}>${MONTHS[time.getMonth()]} ${day} ${clock.join(':')} ${from}${TAG}[${process.pid}]: `;
}

function cut(line: string): string {
  return Buffer.byteLength(line) <= MAX_LINE_BYTES
    ? line
    : Buffer.from(line)
        .toString('utf8', 0, MAX_LINE_BYTES)
        .replace(/\ufffd+$/, '');
}

/** What the program complained about last, as the end of a sentence. */
function lastLineOf(child: ChildProcess): () => string {
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => {
    said = `${said}${bytes}`.slice(-1000);
  });
  return () => {
    const last = said.trim().split('\n').at(-1) ?? '';
    return last === '' ? '' : `: ${last}`;
  };
}

/** Waits for `done`, which `giveUp` brings about if it takes too long. */
async function within(done: Promise<void>, giveUp: () => void): Promise<void> {
  const timer = setTimeout(giveUp, CLOSE_LIMIT_MS);
  await done;
  clearTimeout(timer);
}
