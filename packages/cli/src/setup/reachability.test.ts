import { describe, expect, it } from 'vitest';
import { isPublic, reachability, type Surroundings } from './reachability.js';

const AT_HOME: Surroundings = {
  addresses: [
    { address: '127.0.0.1', isInternal: true },
    { address: '192.168.1.5', isInternal: false },
    { address: 'fd00::5', isInternal: false },
  ],
  givenNames: ['myhome.example.org'],
  localName: 'pi.local',
  ports: [8883],
  lookup: () => Promise.reject(new Error('unknown')),
};

async function advice(change: Partial<Surroundings>): Promise<string> {
  return (await reachability({ ...AT_HOME, ...change })).join('\n');
}

describe('what is said about ways from outside', () => {
  it('is what the router has to forward, and where to', async () => {
    expect(await advice({ ports: [8883, 8884] })).toContain(
      'forward TCP 8883 and 8884 to 192.168.1.5, and nothing else',
    );
  });

  it('is the firewall alone where the machine is on the internet', async () => {
    const addresses = [
      { address: '8.8.8.8', isInternal: false },
      { address: '2600::5', isInternal: false },
    ];
    const text = await advice({ addresses });
    expect(text).toContain('on the internet as 8.8.8.8: its firewall has to let TCP 8883 in');
    expect(text).toContain("the router's firewall has to let TCP 8883 in for 2600::5");
    expect(text).not.toContain('forward TCP');
  });

  it.each([
    ['192.168.1.5', 'which is this machine'],
    ['10.0.0.1', 'from the internet nobody gets there'],
    ['8.8.8.8', 'that has to be the address of your router as the internet sees it'],
  ])('is what a name means that leads to %s', async (address, meaning) => {
    expect(await advice({ lookup: () => Promise.resolve([address]) })).toContain(meaning);
  });

  it('is that a name leads nowhere yet', async () => {
    expect(await advice({})).toContain('Clients connect to myhome.example.org, which has no address yet');
  });

  it('is that a name is needed, and which one will do at home', async () => {
    const text = await advice({ givenNames: ['203.0.113.9'] });
    expect(text).toContain('run this again with --name NAME. In this network, pi.local will do.');
  });

  it('is to connect a machine that has no network', async () => {
    expect(await advice({ addresses: [] })).toContain('connect it to a network first');
  });
});

describe('an address', () => {
  it.each(['10.1.2.3', '172.31.0.1', '192.168.0.1', '100.64.0.1', '169.254.1.1', 'fd00::1', 'fe80::1', '::1'])(
    '%s is none of the internet',
    (address) => expect(isPublic(address)).toBe(false),
  );

  it.each(['8.8.8.8', '172.32.0.1', '2600::1'])('%s is one of the internet', (address) => {
    expect(isPublic(address)).toBe(true);
  });
});
