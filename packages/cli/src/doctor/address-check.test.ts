import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkAddress, type Lookup, type Reached } from './address-check.js';
import { ExaminationEnded, type Finding } from './finding.js';
import { targetFrom } from './target.js';

/** An address of this machine that others may use: what is sent to it stays here. */
const [ownAddress] = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .filter(({ family, internal }) => family === 'IPv4' && !internal)
  .map(({ address }) => address);

/** A port of 127.0.0.1 alone where somebody listens. */
async function listening(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}

async function checked(port: number, lookUp: Lookup): Promise<{ reached: Reached | null; findings: Finding[] }> {
  const findings: Finding[] = [];
  const target = targetFrom(`mqtt://broker.test:${port}`, { timeout: 0.3 }, 'r');
  try {
    return { reached: await checkAddress(target, (finding) => findings.push(finding), lookUp), findings };
  } catch (error) {
    if (!(error instanceof ExaminationEnded)) throw error;
    return { reached: null, findings };
  }
}

const addresses =
  (...all: readonly string[]): Lookup =>
  async () =>
    all.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

const marksOf = (findings: readonly Finding[]): string[] => findings.map(({ check, mark }) => `${check} ${mark}`);

describe('the addresses of a broker', () => {
  it('are all tried, and the first that answers is used', async () => {
    const port = await listening();
    const { reached, findings } = await checked(port, addresses('127.0.0.2', '127.0.0.1'));
    expect(reached?.address).toBe('127.0.0.1');
    expect(marksOf(findings)).toEqual(['dns ok', 'tcp note', 'tcp ok']);
    expect(findings[0].text).toBe('broker.test has 2 addresses: 127.0.0.2, 127.0.0.1 (IPv4 only)');
    expect(findings[1].text).toBe(`127.0.0.2:${port}: nothing listens there (connection refused)`);
  });

  it.skipIf(ownAddress === undefined)('are a warning where others than this machine would fail', async () => {
    const { reached, findings } = await checked(await listening(), addresses(ownAddress ?? '', '127.0.0.1'));
    expect(reached?.address).toBe('127.0.0.1');
    expect(marksOf(findings)).toEqual(['dns ok', 'tcp warning', 'tcp ok']);
    expect(findings[1].advice).toContain('take it out of the DNS');
  });

  it('are all reported when none answers', async () => {
    const { reached, findings } = await checked(1, addresses('127.0.0.1', '127.0.0.2'));
    expect(reached).toBeNull();
    expect(marksOf(findings)).toEqual(['dns ok', 'tcp failure', 'tcp failure']);
  });

  it.each([
    ['is not known', 'ENOTFOUND', 'The name broker.test is not known'],
    ['cannot be looked up', 'EAI_AGAIN', 'broker.test could not be looked up: no DNS today'],
  ])('are missing when the name %s', async (_, code, text) => {
    const { findings } = await checked(1, async () => {
      throw Object.assign(new Error('no DNS today'), { code });
    });
    expect(findings).toEqual([expect.objectContaining({ check: 'dns', mark: 'failure', text })]);
  });

  it('are not waited for without end', async () => {
    const { findings } = await checked(1, () => new Promise(() => {}));
    expect(findings[0].text).toBe('broker.test could not be looked up: no answer within 0.3 s');
  });
});
