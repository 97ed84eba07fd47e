import { BlockList, isIP } from 'node:net';
import type { MachineAddress } from './machine-names.js';

/** What is not routed on the internet. */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['fc00::', 7],
  ['fe80::', 10],
  ['::1', 128],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6');
}

/** Whether an address is one of the internet. */
export function isPublic(address: string): boolean {
  return !PRIVATE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

export interface Surroundings {
  readonly addresses: readonly MachineAddress[];
  /** By which clients are to reach the broker, beyond those of the machine: a dynamic DNS name, say. */
  readonly givenNames: readonly string[];
  /** What this machine calls itself in its own network; null: nothing that others could use. */
  readonly localName: string | null;
  readonly ports: readonly number[];
  /** The addresses of a name. Rejects where there are none. */
  lookup(name: string): Promise<readonly string[]>;
}

/** What the router and the firewall have to let through, and which name clients use: sentences. */
export async function reachability(surroundings: Surroundings): Promise<string[]> {
  const { addresses, givenNames, localName, ports } = surroundings;
  const outer = addresses.filter(({ isInternal }) => !isInternal).map(({ address }) => address);
  const shownPorts = ports.join(' and ');
  const lines: string[] = [];
  const publicV4 = outer.find((address) => isIP(address) === 4 && isPublic(address));
  const privateV4 = outer.find((address) => isIP(address) === 4 && !isPublic(address));
  if (publicV4 !== undefined) {
    lines.push(`This machine is on the internet as ${publicV4}: its firewall has to let TCP ${shownPorts} in.`);
  } else if (privateV4 !== undefined) {
    lines.push(
      `The router has to forward TCP ${shownPorts} to ${privateV4}, and nothing else. Have it always give this machine that address.`,
    );
  } else {
    lines.push('This machine has no IPv4 address beyond its own: connect it to a network first.');
  }
  const publicV6 = outer.find((address) => isIP(address) === 6 && isPublic(address));
  if (publicV6 !== undefined) {
    lines.push(
      `For IPv6 there is nothing to forward; the router's firewall has to let TCP ${shownPorts} in for ${publicV6}.`,
    );
  }
  const dnsNames = givenNames.filter((name) => isIP(name) === 0);
  for (const name of dnsNames) lines.push(await whereItLeads(name, outer, surroundings));
  if (dnsNames.length === 0) {
    const local = localName === null ? (privateV4 ?? publicV4) : localName;
    const inside = local === undefined ? '' : ` In this network, ${local} will do.`;
    lines.push(
      `Clients on the internet need a name for the router's address, such as one of a dynamic DNS service: run this again with --name NAME.${inside}`,
    );
  }
  return lines;
}

async function whereItLeads(name: string, own: readonly string[], { lookup }: Surroundings): Promise<string> {
  const clients = `Clients connect to ${name}`;
  let found: readonly string[];
  try {
    found = await lookup(name);
  } catch {
    return `${clients}, which has no address yet as seen from here: set it up where the name comes from (DNS).`;
  }
  const shown = found.join(', ');
  if (found.some((address) => own.includes(address))) {
    return `${clients}, which is this machine (${shown}).`;
  }
  if (found.every((address) => !isPublic(address))) {
    return `${clients}, which is ${shown} as seen from here, an address of a private network and not of this machine: from the internet nobody gets there.`;
  }
  return `${clients}, which is ${shown}: that has to be the address of your router as the internet sees it.`;
}
