import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

const CLIENTS = 3000;

/** Resolves when the broker has answered CONNECT. */
function connected(port: number, id: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.once('data', () => resolve(socket));
    const head = Buffer.from([0x10, 12 + id.length, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, id.length]);
    socket.write(Buffer.concat([head, Buffer.from(id)]));
  });
}

async function allConnected(port: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < CLIENTS) {
    const ids = Array.from({ length: 100 }, (_, i) => `client-${sockets.length + i}`);
    sockets.push(...(await Promise.all(ids.map((id) => connected(port, id)))));
  }
  return sockets;
}

/** What Node writes about itself at SIGQUIT says how large the young generation is. */
async function youngGenerationBytes(broker: BrokerProcess, folder: string): Promise<number> {
  broker.program.process.kill('SIGQUIT');
  const text = await vi.waitFor(() => {
    const [file] = readdirSync(folder);
    const written = readFileSync(join(folder, file), 'utf8');
    expect(written.trimEnd().endsWith('}')).toBe(true);
    rmSync(join(folder, file));
    return written;
  }, 10_000);
  return JSON.parse(text).javascriptHeap.heapSpaces.new_space.memorySize;
}

describe('the young generation of a broker in a process of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cauldron-report-'));

  afterEach(() => {
    vi.unstubAllEnvs();
    killAll();
    rmSync(folder, { recursive: true });
  });

  it('does not grow for clients that connect and stay', { timeout: 60_000 }, async () => {
    vi.stubEnv('NODE_OPTIONS', `--report-on-signal --report-signal=SIGQUIT --report-directory=${folder}`);
    const broker = await BrokerProcess.start(['connection_messages false']);
    const before = await youngGenerationBytes(broker, folder);
    const sockets = await allConnected(broker.port);
    // It has two halves, the second of which V8 may take only now.
    expect(await youngGenerationBytes(broker, folder)).toBeLessThanOrEqual(2 * before);
    for (const socket of sockets) socket.destroy();
    await broker.stop();
  });
});
