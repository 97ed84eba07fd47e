import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openListener, SocketPeer, tlsSides } from '../../../../test/contract/link-peers.js';
import { areInstalled } from '../../../../test/support/programs.js';
import { TlsKeyLog } from './tls-key-log.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-key-log-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('a file with the secrets of TLS', () => {
  it('is for its owner alone, and keeps what is there', () => {
    const file = join(folder, 'new');
    for (const line of ['one\n', 'two\n']) {
      const log = new TlsKeyLog(file);
      log.write(Buffer.from(line));
      log.close();
      log.write(Buffer.from('too late\n'));
    }
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is not used when others can read it', () => {
    const file = join(folder, 'open');
    writeFileSync(file, '');
    chmodSync(file, 0o640);
    expect(() => new TlsKeyLog(file)).toThrow(`The TLS key log ${file} can be read by others: chmod 600 ${file}`);
  });

  it('is no link, and can be made', () => {
    const file = join(folder, 'link');
    symlinkSync('/dev/null', file);
    expect(() => new TlsKeyLog(file)).toThrow('it is a symbolic link');
    expect(() => new TlsKeyLog(join(folder, 'nowhere', 'x'))).toThrow(/^The TLS key log .* cannot be opened: ENOENT/);
  });

  it.skipIf(!areInstalled('openssl')).each(['TLSv1.2', 'TLSv1.3'] as const)(
    'has the secrets that the client has, with %s',
    async (maxVersion) => {
      const file = join(folder, maxVersion);
      const keyLog = new TlsKeyLog(file);
      const { server, client } = await tlsSides({ keyLog });
      const { watch, handlers, listener } = await openListener({ tls: server });
      const peer = new SocketPeer(watch, listener.localPort, { ...client, maxVersion });
      const lines: string[] = [];
      peer.socket.on('keylog', (line: Buffer) => lines.push(line.toString()));
      peer.write(Buffer.of(0xc0, 0));
      await watch.until(() => handlers[0]?.readBytes === 2);
      handlers[0].with((link) => link.destroy());
      await watch.until(() => handlers[0].closes === 1);
      listener.close();
      keyLog.close();
      const written = readFileSync(file, 'utf8').split(/(?<=\n)/);
      expect(written.length).toBeGreaterThan(0);
      expect(written.toSorted()).toEqual(lines.toSorted());
    },
  );
});
