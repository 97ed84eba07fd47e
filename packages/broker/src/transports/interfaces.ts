import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

/**
 * The addresses that a network device has now, for a listener on that device. Those that are valid on the link only carry
 * the device behind a `%`, as the system wants it.
 * @throws Error that names the devices that there are, when there is none of that name, or it has no such address
 */
export function addressesOfInterface(
  name: string,
  family: 'ipv4' | 'ipv6' | null,
  devices: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): string[] {
  const known = Object.keys(devices);
  const entries = devices[name];
  if (entries === undefined) {
    throw new Error(
      `bind_interface: there is no network device '${name}' with an address; this machine has ${known.join(', ') || 'none'}.`,
    );
  }
  const addresses = entries
    .filter((entry) => family === null || entry.family.toLowerCase() === family)
    .map((entry) => (entry.family === 'IPv6' && entry.scopeid !== 0 ? `${entry.address}%${name}` : entry.address));
  if (addresses.length === 0) {
    throw new Error(`bind_interface: the network device '${name}' has no ${family ?? ''} address (socket_domain).`);
  }
  return addresses;
}
