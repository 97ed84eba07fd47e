import type { NetworkInterfaceInfo } from 'node:os';
import { expect, it } from 'vitest';
import { addressesOfInterface } from './interfaces.js';

const common = { mac: '00:00:00:00:00:00', internal: false, netmask: '', cidr: null };
const IPV4: NetworkInterfaceInfo = { ...common, family: 'IPv4', address: '192.0.2.1' };
const IPV6: NetworkInterfaceInfo = { ...common, family: 'IPv6', address: '2001:db8::1', scopeid: 0 };
const LINK_LOCAL: NetworkInterfaceInfo = { ...common, family: 'IPv6', address: 'fe80::1', scopeid: 2 };
const DEVICES = { eth0: [IPV4, IPV6, LINK_LOCAL], wg0: [IPV4] };

it('gives all addresses of a device, those of the link with its name', () => {
  expect(addressesOfInterface('eth0', null, DEVICES)).toEqual(['192.0.2.1', '2001:db8::1', 'fe80::1%eth0']);
});

it('gives the addresses of one kind', () => {
  expect(addressesOfInterface('eth0', 'ipv4', DEVICES)).toEqual(['192.0.2.1']);
  expect(addressesOfInterface('eth0', 'ipv6', DEVICES)).toEqual(['2001:db8::1', 'fe80::1%eth0']);
});

it('names the devices that there are when the one that is wanted is not among them', () => {
  expect(() => addressesOfInterface('eth1', null, DEVICES)).toThrow(/'eth1'.*eth0, wg0\./);
});

it('says so when the device has no address of the wanted kind', () => {
  expect(() => addressesOfInterface('wg0', 'ipv6', DEVICES)).toThrow("'wg0' has no ipv6 address");
});

it('finds 127.0.0.1 at a device of this machine', () => {
  expect(
    ['lo', 'lo0'].some((name) => {
      try {
        return addressesOfInterface(name, 'ipv4').includes('127.0.0.1');
      } catch {
        return false;
      }
    }),
  ).toBe(true);
});
