import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ListenerConfig } from '../config/config.js';
import type { ActivatedSocket } from '../process/activated-sockets.js';
import { addressesOfInterface } from '../transports/interfaces.js';
import { SocketPathError } from '../transports/unix-socket.js';
import { StartError } from './start-error.js';

/** Where a listener is to be found: an address and a port, or the path of a Unix socket and 0. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** One socket to open. */
export interface Binding extends Endpoint {
  /** If the machine has no such address, the others of the listener will do. */
  readonly isOptional: boolean;
  /** It is open already; absent: it is not. */
  readonly given?: ActivatedSocket;
}

/** The sockets that make up a listener. @throws StartError when its address cannot be found */
export async function bindingsOf({ address, device, path, port, family }: ListenerConfig): Promise<Binding[]> {
  if (path !== null) return [{ address: path, port: 0, isOptional: false }];
  if (device !== null) return addressesOf(device, family).map((own) => ({ address: own, port, isOptional: false }));
  if (address === null) {
    const all: Binding[] = [
      { address: '0.0.0.0', port, isOptional: false },
      { address: '::', port, isOptional: family === null },
    ];
    return all.filter((binding) => family === null || familyOf(binding.address) === family);
  }
  // `::1` is what a broker without configuration asks for, wherever it runs.
  if (isIP(address) !== 0) return [{ address, port, isOptional: address === '::1' }];
  try {
    const found = await lookup(address, { all: true });
    const usable = found.filter((entry) => family === null || familyOf(entry.address) === family);
    if (usable.length === 0) throw new Error(`it has no ${family} address`);
    return usable.map((entry) => ({ address: entry.address, port, isOptional: usable.length > 1 }));
  } catch (error) {
    throw new StartError(`The listener address '${address}' cannot be found: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** @throws StartError */
function addressesOf(device: string, family: ListenerConfig['family']): string[] {
  try {
    return addressesOfInterface(device, family);
  } catch (error) {
    throw new StartError(messageOf(error), { cause: error });
  }
}

/** Whether two sockets cannot be open at the same time. */
export function collide(one: Endpoint, other: Endpoint): boolean {
  if (one.port !== other.port) return false;
  if (one.address === other.address) return true;
  if (one.port === 0 || familyOf(one.address) !== familyOf(other.address)) return false;
  return [one.address, other.address].some((address) => address === '0.0.0.0' || address === '::');
}

/** Whether it is a Unix socket's, and no address of a network. */
export function isPath(address: string): boolean {
  return address.startsWith('/');
}

/** Address and port as people write them. */
export function shownEndpoint({ address, port }: Endpoint): string {
  if (isPath(address)) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** Why a socket could not be opened, and what to do about it. `error` is the system's. */
export function listenProblem(endpoint: Endpoint, error: unknown): string {
  const { address, port } = endpoint;
  if (error instanceof SocketPathError) return error.message;
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return `Port ${port} on ${address} is in use, perhaps by another broker. Stop that one, or choose another port: -p ${port + 1}, or 'listener' in the configuration.`;
    case 'EACCES':
      return `No permission to open port ${port}: ports below 1024 need the right to do so. Choose a higher one: -p 1883.`;
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return `${address} is not an address of this machine, so no listener can be opened on it.`;
    default:
      return `Port ${port} on ${address} cannot be opened: ${messageOf(error)}.`;
  }
}

/** Whether the machine has no such address, or no addresses of its kind. */
export function isMissingAddress(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
