import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Target } from './target.js';
import { shakeHands } from './tls-handshake.js';
import { upgrade } from './websocket-upgrade.js';

/** Nothing came in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Opens further connections to a broker as the first one was opened. */
export type Way = () => Promise<Duplex>;

/** @param address one of the host's; null for a Unix socket */
export function wayTo(target: Target, address: string | null): Way {
  return async () => {
    const socket = await openSocket(target, address);
    const secure = target.isTls ? await shakeHands(socket, target) : socket;
    if (target.webSocketPath === null) return secure;
    const { stream } = await upgrade(secure, target, target.webSocketPath);
    return stream;
  };
}

/** @throws (rejects) the system's error, NoAnswer */
export function openSocket({ port, path, timeoutMs }: Target, address: string | null): Promise<Socket> {
  const socket = path === null ? connect({ host: address ?? '', port, noDelay: true }) : connect({ path });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => socket.destroy(new NoAnswer(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
