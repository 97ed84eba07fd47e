import { readFileSync, readlinkSync } from 'node:fs';

/** The first descriptor that a service manager hands over. */
const FIRST_DESCRIPTOR = 3;

/** A socket that the service manager has opened for this process. */
export interface ActivatedSocket {
  readonly fd: number;
  /** As the unit names it; empty: it does not. */
  readonly name: string;
  /** Where it listens. */
  readonly place: ActivatedPlace;
}

export type ActivatedPlace =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** What of a listener tells which sockets are its. */
export interface ListenerPlace {
  readonly port: number;
  /** Null: all addresses. */
  readonly address: string | null;
  /** Null: it has a port. */
  readonly path: string | null;
}

/**
 * The sockets that systemd hands over by LISTEN_FDS, none if they are for another process. The variables leave the
 * environment: they are for this process alone. `onUnknown` hears of descriptors that are no listening sockets.
 */
export function activatedSockets(environment: NodeJS.ProcessEnv, onUnknown: (fd: number) => void): ActivatedSocket[] {
  const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES = '' } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete environment[name];
  if (LISTEN_PID !== String(process.pid) || !/^\d{1,4}$/.test(LISTEN_FDS)) return [];
  const names = LISTEN_FDNAMES.split(':');
  const places = listeningSockets();
  const sockets: ActivatedSocket[] = [];
  for (let index = 0; index < Number(LISTEN_FDS); index++) {
    const fd = FIRST_DESCRIPTOR + index;
    const place = places.get(inodeOf(fd));
    if (place === undefined) onUnknown(fd);
    else sockets.push({ fd, name: names[index] ?? '', place });
  }
  return sockets;
}

/** As listeners name it: an address and a port, or a path and 0. */
export function endpointOfPlace(place: ActivatedPlace): { address: string; port: number } {
  return place.kind === 'unix' ? { address: place.path, port: 0 } : { address: place.address, port: place.port };
}

/**
 * Those of the sockets that are a listener's: they have its port, and its address where it names one, or its path. A
 * listener that gets some opens none of its own.
 */
export function socketsOf(listener: ListenerPlace, sockets: readonly ActivatedSocket[]): ActivatedSocket[] {
  return sockets.filter(({ place }) => {
    if (place.kind === 'unix') return place.path === listener.path;
    if (listener.path !== null || place.port !== listener.port) return false;
    return listener.address === null || listener.address === place.address;
  });
}

/** Empty: it is no socket. */
function inodeOf(fd: number): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1] ?? '';
  } catch {
    return '';
  }
}

/** What listens on this machine, as the kernel lists it, by inode. Node cannot ask a descriptor for its address. */
function listeningSockets(): Map<string, ActivatedPlace> {
  const found = new Map<string, ActivatedPlace>();
  for (const [file, toAddress] of [
    ['tcp', ipv4],
    ['tcp6', ipv6],
  ] as const) {
    for (const fields of rowsOf(file)) {
      const [, local, , state, , , , , , inode] = fields;
      if (state !== TCP_LISTEN) continue;
      const [address, port] = local.split(':');
      found.set(inode, { kind: 'tcp', address: toAddress(address), port: Number.parseInt(port, 16) });
    }
  }
  for (const fields of rowsOf('unix')) {
    const [, , , flags, , , inode, ...path] = fields;
    if (flags === UNIX_LISTEN && path.length > 0) found.set(inode, { kind: 'unix', path: path.join(' ') });
  }
  return found;
}

const TCP_LISTEN = '0A';
const UNIX_LISTEN = '00010000';

function rowsOf(file: string): string[][] {
  let text: string;
  try {
    text = readFileSync(`/proc/self/net/${file}`, 'utf8');
  } catch {
    return [];
  }
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(({ length }) => length > 1);
}

/** `0100007F`, as a little-endian machine has it in memory. */
function ipv4(hex: string): string {
  return bytesOf(hex).join('.');
}

function ipv6(hex: string): string {
  const bytes = bytesOf(hex);
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += 2) groups.push(((bytes[at] << 8) | bytes[at + 1]).toString(16));
  const text = groups.join(':');
  // The longest run of zeros becomes `::`, as people write it.
  const [longest] = (text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? []).sort((one, other) => other.length - one.length);
  if (longest === undefined) return text;
  const at = text.indexOf(longest);
  const [before, after] = [text.slice(0, at), text.slice(at + longest.length)];
  return `${before}${after === '' ? '::' : `:${after}`}`;
}

/** The kernel prints words of 32 bits, each in the order of the machine. */
function bytesOf(hex: string): number[] {
  const bytes: number[] = [];
  for (const word of hex.match(/.{8}/g) ?? []) {
    const number = new Uint32Array([Number.parseInt(word, 16)]);
    bytes.push(...new Uint8Array(number.buffer));
  }
  return bytes;
}
