import { BlockList, isIP, SocketAddress } from 'node:net';

/** Addresses and networks, such as 10.0.0.0/8 and fd00::/8. IPv4 in IPv6 (`::ffff:10.0.0.1`) is IPv4. */
export class Networks {
  readonly #list = new BlockList();
  readonly #isEmpty: boolean;

  /** @param networks valid ones */
  constructor(networks: readonly string[]) {
    this.#isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address, bits] = network.split('/');
      const plain = withoutMapping(address);
      const family = isIP(plain) === 4 ? 'ipv4' : 'ipv6';
      if (bits === undefined) this.#list.addAddress(plain, family);
      else this.#list.addSubnet(plain, Number(bits), family);
    }
  }

  has(address: string): boolean {
    if (this.#isEmpty) return false;
    const plain = withoutMapping(address);
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** Bits of an IPv6 network that one customer has at least. */
const CUSTOMER_BITS = 64;

/**
 * By what somebody is known who may have many addresses: the IPv4 address, or the network of 64 bits that an IPv6 address is
 * in. Null: it is no IP address, but a program of this machine.
 */
export function originOf(address: string): string | null {
  const plain = withoutMapping(address);
  const version = isIP(plain);
  if (version === 0) return null;
  if (version === 4) return plain;
  const groups = groupsOf(plain).slice(0, CUSTOMER_BITS / 16);
  return `${groups.map((group) => group.toString(16)).join(':')}::/${CUSTOMER_BITS}`;
}

/** The text of a network as it is compared and shown; null: it is none. */
export function canonicalNetwork(text: string): string | null {
  const [, given, bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  if (given === undefined) return null;
  const plain = withoutMapping(given);
  const version = isIP(plain);
  if (version === 0 || (bits !== undefined && Number(bits) > (version === 4 ? 32 : 128))) return null;
  const { address } = new SocketAddress({ address: plain, family: version === 4 ? 'ipv4' : 'ipv6' });
  return bits === undefined ? address : `${address}/${Number(bits)}`;
}

function withoutMapping(address: string): string {
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  return mapped ?? address.replace(/%.*$/, '');
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): number[] {
  const { address: canonical } = new SocketAddress({ address, family: 'ipv6' });
  const [head, tail] = canonical.split('::');
  const numbers = (text: string | undefined): number[] => {
    if (text === undefined || text === '') return [];
    return text.split(':').flatMap((group) => {
      const [, a, b, c, d] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(group) ?? [];
      return a === undefined
        ? [Number.parseInt(group, 16)]
        : [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)];
    });
  };
  const before = numbers(head);
  const after = numbers(tail);
  return [...before, ...new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after];
}
