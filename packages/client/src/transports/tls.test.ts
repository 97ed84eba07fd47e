import { readFileSync } from 'node:fs';
import { createServer as createPlainServer, type Server } from 'node:net';
import { createServer, type TlsOptions as ServerOptions } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority, type Certificates, certificates } from '../../../../test/support/certificates.js';
import { areInstalled } from '../../../../test/support/programs.js';
import { connect } from '../connect.js';
import { ConnectionFailed } from '../errors.js';
import type { TlsOptions } from '../tls-options.js';
import { tls } from './tls.js';
import { webSocket } from './websocket.js';

const PSK = { identity: 'device', key: Buffer.from('c0ffee', 'hex') };
const DAY_MS = 86_400_000;

let servers: Server[] = [];

afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

/** A server that says `hello` to whom it lets in. */
function serve(options: ServerOptions): Promise<number> {
  const server = createServer(options, (socket) => socket.on('error', () => {}).write('hello'));
  server.on('tlsClientError', () => {});
  return listen(server);
}

/** What the server said, or why the client did not get to hear it. */
function reach(port: number, options: TlsOptions, host = '127.0.0.1'): Promise<string | Error | null> {
  return new Promise((resolve) => {
    const transport = tls(
      host,
      port,
      options,
    )({
      opened: () => {},
      drained: () => {},
      data: (bytes, length) => {
        resolve(Buffer.from(bytes.subarray(0, length)).toString());
        transport.destroy();
      },
      closed: resolve,
    });
  });
}

async function refusal(port: number, options: TlsOptions, host?: string): Promise<string> {
  const outcome = await reach(port, options, host);
  if (outcome instanceof Error) return outcome.message;
  throw new Error(`It was not refused: ${outcome}`);
}

describe.skipIf(!areInstalled('openssl'))('a TLS client', () => {
  let made: Certificates;
  let ca: Buffer;
  let good: ServerOptions;

  beforeAll(async () => {
    made = await certificates();
    ca = readFileSync(made.caFile);
    good = { cert: readFileSync(made.certFile), key: readFileSync(made.keyFile) };
  });

  /** What a server has that shows another certificate of the same CA, or of one of its own. */
  function showing(name: string, request: { hosts: string; validFrom?: Date; validTo?: Date; use?: 'client' }) {
    const authority = new CertificateAuthority(made.folder, `ca-${name}`);
    const { use = 'server', ...rest } = request;
    const { certFile, keyFile } = authority.issue(name, { subject: `/CN=${name}`, use, ...rest });
    const options: ServerOptions = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    return { options, ca: readFileSync(authority.caFile) };
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('gets through to a server that it trusts, by %s', async (version) => {
    const port = await serve({ ...good, maxVersion: version });
    expect(await reach(port, { ca })).toBe('hello');
  });

  it('does not speak older versions than it was told', async () => {
    const port = await serve({ ...good, maxVersion: 'TLSv1.2' });
    expect(await refusal(port, { ca, minVersion: 'TLSv1.3' })).toContain(
      'the server does not speak this version of TLS',
    );
  });

  it('says who issued the certificate when it does not know that CA', async () => {
    const port = await serve(good);
    const message = await refusal(port, {});
    expect(message).toBe(
      "TLS: the server's certificate (CN=localhost,O=Cauldron) was not issued by a CA that is trusted, but by CN=ca,O=Cauldron",
    );
    expect(await refusal(port, { ca: showing('other', { hosts: 'DNS:a' }).ca })).toBe(message);
  });

  it('is not told that it is connected to a server that it does not trust', async () => {
    const port = await serve(good);
    await expect(connect(`mqtts://127.0.0.1:${port}`)).rejects.toBeInstanceOf(ConnectionFailed);
  });

  it('says for whom the certificate is when it is not for this server', async () => {
    const port = await serve(good);
    const elsewhere = { ca, serverName: 'broker.example' };
    expect(await refusal(port, elsewhere)).toBe(
      "TLS: the server's certificate (CN=localhost,O=Cauldron) is not for broker.example, but for localhost, 127.0.0.1, 0:0:0:0:0:0:0:1",
    );
  });

  it('says since when a certificate has expired, and when it will be valid', async () => {
    const past = new Date(Date.now() - DAY_MS);
    const expired = showing('expired', {
      hosts: 'IP:127.0.0.1',
      validFrom: new Date(past.getTime() - DAY_MS),
      validTo: past,
    });
    expect(await refusal(await serve(expired.options), { ca: expired.ca })).toMatch(
      /^TLS: the server's certificate \(CN=expired\) expired on \w{3} +\d+ [\d:]+ \d{4} GMT$/,
    );
    const early = showing('early', {
      hosts: 'IP:127.0.0.1',
      validFrom: new Date(Date.now() + DAY_MS),
      validTo: new Date(Date.now() + 2 * DAY_MS),
    });
    expect(await refusal(await serve(early.options), { ca: early.ca })).toMatch(
      /is valid from .* only; is this machine's/,
    );
  });

  it('takes any server when it is insecure', async () => {
    expect(await reach(await serve(good), { insecure: true, serverName: 'broker.example' })).toBe('hello');
  });

  it('shows its certificate, and says so when the server wants one that was not given', async () => {
    const port = await serve({ ...good, ca, requestCert: true, rejectUnauthorized: true });
    const own = { cert: readFileSync(made.clientCertFile), key: readFileSync(made.clientKeyFile) };
    expect(await reach(port, { ca, ...own })).toBe('hello');
    expect(await refusal(port, { ca })).toContain('the server wants a client certificate, and none was given');
  });

  it('says that a server does not speak TLS', async () => {
    const talking = createPlainServer((socket) =>
      socket.on('error', () => {}).write(Buffer.from('200200000000', 'hex')),
    );
    expect(await refusal(await listen(talking), { ca })).toContain('the server does not speak TLS on this port');
    const leaving = createPlainServer((socket) => socket.on('error', () => {}).end());
    expect(await refusal(await listen(leaving), { ca })).toContain('perhaps it does not speak TLS on this port');
  });

  it('says that there is no common cipher', async () => {
    const port = await serve({ ...good, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' });
    expect(await refusal(port, { ca, ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' })).toContain('no cipher in common');
  });

  it('says why over WebSocket, too', async () => {
    const port = await serve(good);
    const factory = webSocket(new URL(`wss://127.0.0.1:${port}/mqtt`));
    const error = await new Promise<Error | null>((resolve) => {
      factory({ opened: () => {}, data: () => {}, drained: () => {}, closed: resolve });
    });
    expect(error?.message).toContain('was not issued by a CA that is trusted, but by CN=ca,O=Cauldron');
  });

  it('gives the secrets of its connection to whoever was told to get them', async () => {
    const lines: string[] = [];
    const options: TlsOptions = { ca, onKeyLog: (line) => lines.push(Buffer.from(line).toString()) };
    expect(await reach(await serve(good), options)).toBe('hello');
    expect(lines.join('')).toMatch(/^CLIENT_TRAFFIC_SECRET_0 [0-9a-f]+ [0-9a-f]+\n$/m);
  });
});

describe('a TLS client with a pre-shared key', () => {
  function withKey(key: Buffer): ServerOptions {
    return {
      ciphers: 'PSK-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256',
      pskCallback: (_: unknown, identity: string) => (identity === PSK.identity ? key : null),
    };
  }

  it('gets through to a server that knows the key', async () => {
    expect(await reach(await serve({ ...withKey(PSK.key), maxVersion: 'TLSv1.2' }), { psk: PSK })).toBe('hello');
  });

  it.each([
    ['the key is another', withKey(Buffer.from('aa', 'hex'))],
    ['the server does not know the identity', { ...withKey(PSK.key), pskCallback: () => null }],
  ])('does not get through when %s', async (_, options) => {
    const port = await serve({ ...options, maxVersion: 'TLSv1.2' });
    expect(await refusal(port, { psk: PSK })).toMatch(/^TLS: the server does not/);
  });

  it.runIf(areInstalled('openssl'))('does not take a certificate instead that it does not trust', async () => {
    const { certFile, keyFile } = await certificates();
    const port = await serve({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
    expect(await refusal(port, { psk: PSK })).toContain('was not issued by a CA that is trusted');
  });
});
