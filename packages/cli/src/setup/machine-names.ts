import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

/** What the machine says of itself; tests answer in its place. */
export interface Machine {
  readonly hostname: () => string;
  readonly networkInterfaces: typeof networkInterfaces;
}

export const thisMachine: Machine = { hostname, networkInterfaces };

/** Letters, digits and hyphens between dots (RFC 1123), in lower case. */
const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/**
 * Every name and address by which clients may call this machine: `localhost`, its name, that with `.local` (mDNS), and the
 * addresses of all its network devices.
 */
export function namesOf(machine: Machine): string[] {
  const name = machine.hostname().toLowerCase();
  const [label] = name.split('.');
  const names = ['localhost', name, label, `${label}.local`].filter((candidate) => DNS_NAME.test(candidate));
  return [...new Set([...names, '127.0.0.1', '::1', ...addressesOf(machine).map(({ address }) => address)])];
}

export interface MachineAddress {
  readonly address: string;
  readonly isInternal: boolean;
}

/** Without the scope that link-local addresses of version 6 carry. */
export function addressesOf({ networkInterfaces }: Machine): MachineAddress[] {
  return Object.values(networkInterfaces()).flatMap((entries = []) =>
    entries.map(({ address, internal }) => ({ address: address.replace(/%.*$/, ''), isInternal: internal })),
  );
}

/** A name or address as certificates have it; null: it is neither. */
export function hostFrom(text: string): string | null {
  const host = text.toLowerCase().replace(/\.$/, '');
  if (isIP(host) !== 0) return canonicalAddress(host);
  // All digits and dots: an address with a slip in it.
  return DNS_NAME.test(host) && !/^[\d.]+$/.test(host) ? host : null;
}

/** Addresses of version 6 can be written in many ways. */
export function canonicalAddress(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
