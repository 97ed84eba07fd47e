import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ConfiguredBroker } from '../config/configured-broker.js';
import { connectPacket } from '../conformance/raw/packet-writer.js';
import { type Certificates, certificates } from '../support/certificates.js';
import { areInstalled } from '../support/programs.js';

/** As many as the file descriptors of a process with an ordinary limit allow on both sides. */
const HALF_OPEN = 2000;
const AT_ONCE = 100;

/** The header of a record that goes on for 256 bytes, and the beginning of a ClientHello. */
const HALF_A_HELLO = Buffer.from('160301010001', 'hex');
/** The first byte of a CONNECT. */
const HALF_A_CONNECT = Buffer.of(0x10);

/** Connections that say `bytes`, and nothing more. They stay until the test ends. */
async function halfOpen(port: number, bytes: Uint8Array): Promise<void> {
  const sockets: Socket[] = [];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < HALF_OPEN) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, () => {
        return new Promise<void>((resolve, reject) => {
          const socket = connect(port, '127.0.0.1', () => socket.write(bytes, () => resolve()));
          // Those that have to give way are cut off.
          socket.on('error', (error: NodeJS.ErrnoException) => {
            if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
            else resolve();
          });
          socket.resume();
          sockets.push(socket);
        });
      }),
    );
  }
}

describe('2,000 connections that stop halfway', () => {
  let files: Certificates;

  beforeAll(async () => {
    if (areInstalled('openssl')) files = await certificates();
  });

  it.skipIf(!areInstalled('openssl'))('through their TLS handshake hold up nobody who goes on', async () => {
    const broker = await ConfiguredBroker.start(
      'listener 0 127.0.0.1',
      `certfile ${files.certFile}`,
      `keyfile ${files.keyFile}`,
    );
    const [{ port }] = broker.server.endpoints;
    await halfOpen(port, HALF_A_HELLO);
    const startedMs = performance.now();
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const options = { port, host: '127.0.0.1', ca: readFileSync(files.caFile) };
      const client = connectTls(options, () => client.write(connectPacket(4, { clientId: 'a' })));
      onTestFinished(() => void client.destroy());
      client.on('data', resolve).on('error', reject);
    });
    expect(answer).toEqual(Buffer.of(0x20, 2, 0, 0));
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  it('before their CONNECT hold up nobody, and are gone after connect_timeout', async () => {
    const broker = await ConfiguredBroker.start('connect_timeout 3');
    const [{ port }] = broker.server.endpoints;
    await halfOpen(port, HALF_A_CONNECT);
    await broker.connected('a');
    const { gauges } = broker.server.broker;
    expect(gauges.connections).toBeGreaterThan(1);
    while (broker.server.broker.gauges.connections > 1) await new Promise((resolve) => setImmediate(resolve));
    expect(broker.server.broker.gauges.clientsConnected).toBe(1);
  });
});
