import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { canonicalAddress, hostFrom, type Machine, namesOf } from './machine-names.js';

function entry(address: string, internal = false): NetworkInterfaceInfo {
  const rest = { address, netmask: '', mac: '', internal, cidr: null };
  return address.includes(':') ? { ...rest, family: 'IPv6', scopeid: 0 } : { ...rest, family: 'IPv4' };
}

function machine(hostname: string, interfaces: Record<string, NetworkInterfaceInfo[]>): Machine {
  return { hostname: () => hostname, networkInterfaces: () => interfaces };
}

describe('the names of a machine', () => {
  it('are localhost, its own, that with .local, and the addresses of all devices, each once', () => {
    const interfaces = {
      lo: [entry('127.0.0.1', true), entry('::1', true)],
      eth0: [entry('192.168.1.5'), entry('fe80::1%eth0'), entry('2001:db8::5')],
      wlan0: [entry('192.168.1.6')],
    };
    expect(namesOf(machine('Pi.home.arpa', interfaces))).toEqual([
      'localhost',
      'pi.home.arpa',
      'pi',
      'pi.local',
      '127.0.0.1',
      '::1',
      '192.168.1.5',
      'fe80::1',
      '2001:db8::5',
      '192.168.1.6',
    ]);
  });

  it('leave out a host name that no certificate can have', () => {
    expect(namesOf(machine('my machine', {}))).toEqual(['localhost', '127.0.0.1', '::1']);
  });
});

describe('a name that was given', () => {
  it.each([
    ['MyHome.Example.org.', 'myhome.example.org'],
    ['192.168.1.5', '192.168.1.5'],
    ['2001:DB8:0::5', '2001:db8::5'],
    ['with blank', null],
    ['192.168.1.500', null],
    ['mqtts://host', null],
    ['host:8883', null],
    ['', null],
    [`${'a'.repeat(64)}.org`, null],
  ])('%j is %j in a certificate', (text, host) => {
    expect(hostFrom(text)).toBe(host);
  });

  it('of version 6 is the same however it is written', () => {
    expect(canonicalAddress('FD00:0:0:0:0:0:0:2')).toBe(canonicalAddress('fd00::2'));
  });
});
