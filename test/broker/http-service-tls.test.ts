import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfiguredBroker } from '../config/configured-broker.js';
import { CertificateAuthority, certificates } from '../support/certificates.js';
import { areInstalled } from '../support/programs.js';

const SERVER_UNAVAILABLE = 0x88;

describe.skipIf(!areInstalled('openssl'))('an HTTP service behind TLS', () => {
  async function serviceUrl(): Promise<string> {
    const { certFile, keyFile } = await certificates();
    const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
      request.resume();
      request.on('end', () => response.end('ok'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  async function codeWith(...lines: string[]): Promise<number> {
    const broker = await ConfiguredBroker.start('allow_anonymous false', ...lines);
    const client = await broker.client();
    return (await client.tryConnect({ clientId: 'c', username: 'u', password: 'p' })).reasonCode;
  }

  it('is believed if its certificate is from a CA in http_cafile', async () => {
    const { caFile } = await certificates();
    expect(await codeWith(`http_auth_url ${await serviceUrl()}`, `http_cafile ${caFile}`)).toBe(0);
  });

  it('is not believed without, or with another CA', async () => {
    const { folder } = await certificates();
    const url = await serviceUrl();
    const other = new CertificateAuthority(folder, 'another-ca');
    expect(await codeWith(`http_auth_url ${url}`)).toBe(SERVER_UNAVAILABLE);
    expect(await codeWith(`http_auth_url ${url}`, `http_cafile ${other.caFile}`)).toBe(SERVER_UNAVAILABLE);
  });
});
