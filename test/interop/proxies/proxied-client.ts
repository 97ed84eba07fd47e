import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { BrokerProcess } from '../../support/broker-process.js';

/** The ports of 127.0.0.1 that a broker listens on, in the order of its configuration. */
export function portsOf({ program }: BrokerProcess): number[] {
  return [...program.shown.matchAll(/^Listening on 127\.0\.0\.1:(\d+)\.$/gm)].map(([, port]) => Number(port));
}

/** Resolves when somebody listens on this port; a program that was started does so soon, or ends. */
export async function listensOn(port: number, program: { readonly ended: Promise<unknown> }): Promise<void> {
  let hasEnded = false;
  void program.ended.then(() => {
    hasEnded = true;
  });
  while (!(await isOpen(port))) {
    if (hasEnded) throw new Error(`The program ended before it listened on port ${port}`);
    await new Promise(setImmediate);
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** CONNECT of MQTT 3.1.1 with this client id, an ASCII text. */
export function connectPacket(clientId: string): Buffer {
  const head = Buffer.from('00044d515454040200000000', 'hex');
  head[head.length - 1] = clientId.length;
  return Buffer.concat([Buffer.from([0x10, head.length + clientId.length]), head, Buffer.from(clientId)]);
}

export const CONNACK = '20020000';

/** Connects as an MQTT client. Resolves with the broker's answer, as hex, and the socket, which stays open. */
export function sayConnect(socket: Socket | TLSSocket, clientId: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.on('data', (bytes) => resolve(Buffer.from(bytes).toString('hex')));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('The connection ended')));
    socket.write(connectPacket(clientId));
  });
}

/** Resolves with what the broker's log calls the address of this client, and what else it says of it. */
export async function seenAs({ program }: BrokerProcess, clientId: string): Promise<{ from: string; details: string }> {
  const line = new RegExp(`^New client connected from (\\S+) as ${clientId} \\((.*)\\)\\.$`, 'm');
  const [, from, details] = await program.showsMatch(line);
  return { from, details };
}
