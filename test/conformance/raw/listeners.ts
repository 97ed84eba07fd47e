import { createServer, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Channel, ChannelEvents, WebSocketChannel } from './channels.js';

/** Waits for clients on a free port of 127.0.0.1. */
export interface Listener {
  readonly port: number;
  /** Ends its connections, too. */
  close(): Promise<void>;
}

/** Called for each connection, with what turns it into a channel. */
export type OnConnection<C extends Channel> = (open: (events: ChannelEvents) => C) => void;

export interface WebSocketConnection {
  /** The subprotocols that the client offered. */
  readonly offered: readonly string[];
  open(events: ChannelEvents & { onText(): void }): WebSocketChannel;
}

export function listenTcp(onConnection: OnConnection<Channel>): Promise<Listener> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // a reset ends the connection, too
    socket.on('close', () => sockets.delete(socket));
    onConnection((events) => {
      socket.on('data', (bytes: Buffer) => events.onBytes(bytes));
      socket.on('close', () => events.onEnd());
      return {
        write: (bytes) => {
          if (socket.writable) socket.write(bytes);
        },
        destroy: () => socket.resetAndDestroy(),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
      };
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      resolve({
        port: portOf(server.address()),
        close: () => {
          for (const socket of sockets) socket.destroy();
          return new Promise((closed) => server.close(() => closed()));
        },
      });
    });
  });
}

export function listenWebSocket(onConnection: (connection: WebSocketConnection) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
    });
    server.once('error', reject);
    server.on('connection', (socket: WebSocket, request) => {
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
      socket.on('error', () => {}); // ends the connection, too
      onConnection({ offered, open: (events) => openChannel(socket, events) });
    });
    server.once('listening', () => {
      resolve({
        port: portOf(server.address()),
        close: () => {
          for (const socket of server.clients) socket.terminate();
          return new Promise((closed) => server.close(() => closed()));
        },
      });
    });
  });
}

function openChannel(socket: WebSocket, events: ChannelEvents & { onText(): void }): WebSocketChannel {
  socket.on('message', (data: Buffer, isBinary) => (isBinary ? events.onBytes(data) : events.onText()));
  socket.on('close', () => events.onEnd());
  return {
    subprotocol: socket.protocol,
    write: (bytes) => {
      if (socket.readyState === socket.OPEN) socket.send(bytes);
    },
    writeText: (text) => socket.send(text),
    destroy: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}

function portOf(address: ReturnType<WebSocketServer['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('The listener has no port');
  return address.port;
}
