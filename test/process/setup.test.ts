import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '@cauldron/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runCauldron } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { MadeSetup } from '../support/made-setup.js';
import { areInstalled, programPath } from '../support/programs.js';
import type { Outcome } from '../support/running-program.js';

function said({ stdout, stderr }: Outcome): string {
  return `${stdout}${stderr}`;
}

describe('cauldron setup', () => {
  let setup: MadeSetup;
  const clients: Client[] = [];

  beforeAll(async () => {
    const users = ['--user', 'jjolie:s1kr3t:1', '--user', 'fred', '--friend', 'fred=jjolie', '--recorder', 'rec'];
    setup = await MadeSetup.make([...users, '--name', 'MyHome.invalid', '--name', '203.0.113.9']);
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.disconnect()));
  });

  afterAll(() => setup?.remove());

  async function enter(username: string, password: string): Promise<Client> {
    const tls = { ca: readFileSync(setup.caFile) };
    const client = await connect(`mqtts://127.0.0.1:${setup.tlsPort}`, { username, password, tls, reconnect: false });
    clients.push(client);
    return client;
  }

  async function enterWith(name: string): Promise<Client> {
    const tls = {
      ca: readFileSync(setup.caFile),
      cert: readFileSync(setup.path(`certs/clients/${name}.crt`)),
      key: readFileSync(setup.path(`certs/clients/${name}.key`)),
    };
    const client = await connect(`mqtts://127.0.0.1:${setup.certificatePort}`, {
      tls,
      protocolVersion: 5,
      reconnect: false,
    });
    clients.push(client);
    return client;
  }

  it('says step by step what it has done and tried, and that all is well', () => {
    const { shown, tlsPort, certificatePort } = setup;
    for (const step of [
      'Made a CA',
      'Made a certificate for the broker',
      'Started the broker',
      `localhost:${tlsPort} shows a certificate that is for localhost`,
      'Who does not know the CA does not trust the broker',
      'Who gives no user name is refused',
      'jjolie is refused with a wrong password',
      `Who has no certificate is refused on port ${certificatePort}`,
      'fred may publish below owntracks/fred',
      'rec may not publish below owntracks/jjolie',
      'jjolie sees jjolie and nobody else',
      'fred sees jjolie, fred and nobody else',
      'rec sees jjolie, fred and nobody else',
    ]) {
      expect(shown).toMatch(new RegExp(`^ok    ${step}`, 'm'));
    }
    expect(shown).not.toContain('FAIL');
    expect(shown).toMatch(/It is for myhome\.invalid, 203\.0\.113\.9, localhost, .*127\.0\.0\.1, ::1/);
    expect(shown).toContain('Clients connect to myhome.invalid, which has no address yet');
  });

  it('keeps what is secret to its owner, and the passwords to itself', () => {
    for (const file of ['passwd', 'acl', 'certs/ca.key', 'certs/server.key']) {
      expect([file, statSync(setup.path(file)).mode & 0o777]).toEqual([file, 0o600]);
    }
    for (const file of ['passwd', 'acl', 'mosquitto.conf', 'log/cauldron.log']) {
      expect(readFileSync(setup.path(file), 'utf8')).not.toMatch(/s1kr3t/);
    }
  });

  it('lets in who has the password that was given, over TLS and without it on this machine', async () => {
    await enter('jjolie', 's1kr3t:1');
    clients.push(await connect(`mqtt://127.0.0.1:${setup.port}`, { username: 'jjolie', password: 's1kr3t:1' }));
  });

  it('makes a client with a password and what the OwnTracks app needs, which the running broker knows at once', async () => {
    const outcome = await setup.run('client', 'anna', '--friend', 'jjolie', '--device', 'tablet');
    expect(outcome.exitCode).toBe(0);
    const file = setup.path('clients/anna-tablet.otrc');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const app = JSON.parse(readFileSync(file, 'utf8'));
    expect(app).toMatchObject({
      _type: 'configuration',
      host: 'myhome.invalid',
      port: setup.tlsPort,
      tls: true,
      tid: 'na',
    });
    const ca = Buffer.from(app.tlsCaCrt, 'base64').toString('base64');
    expect(readFileSync(setup.caFile, 'utf8').replaceAll('\n', '')).toContain(ca);
    const [link] = /^owntracks:\/\/\/config\?inline=(\S+)$/m.exec(said(outcome)) ?? [''];
    const { tlsCaCrt: _, ...rest } = app;
    expect(JSON.parse(Buffer.from(link.split('=').slice(1).join('='), 'base64').toString())).toEqual(rest);
    const client = await enter('anna', app.password);
    const seen = new Promise<string>((resolve) => {
      void client
        .subscribe('owntracks/+/+', {}, ({ topic }) => resolve(topic))
        .then(async () => {
          await (await enter('jjolie', 's1kr3t:1')).publish('owntracks/jjolie/phone', '{}', { qos: 1 });
        });
    });
    expect(await seen).toBe('owntracks/jjolie/phone');
    expect(said(await setup.run('client', 'anna'))).toContain('anna has a password, which nobody can read back');
    expect(said(await setup.run('client', 'anna', '--new-password', '--no-qr'))).toContain(
      'Changed the password of anna',
    );
    await expect(enter('anna', app.password)).rejects.toThrow(/refused/);
  });

  it('takes certificates back: their owner is disconnected at once, and does not get in again', async () => {
    expect(said(await setup.run('client', 'sensor', '--certificate', '--no-qr'))).toContain('The broker knows it.');
    const client = await enterWith('sensor');
    const files = ['crt', 'key'].map((ending) => readFileSync(setup.path(`certs/clients/sensor.${ending}`)));
    const outcome = await setup.run('revoke', 'sensor');
    expect(said(outcome)).toBe('Revoked the certificate of sensor.\nThe broker knows it.\n');
    expect((await client.closed)?.message).toMatch(/disconnected/i);
    clients.splice(clients.indexOf(client), 1);
    expect(existsSync(setup.path('certs/clients/sensor.key'))).toBe(false);
    writeFileSync(setup.path('certs/clients/sensor.crt'), files[0]);
    writeFileSync(setup.path('certs/clients/sensor.key'), files[1]);
    await expect(enterWith('sensor')).rejects.toThrow();
    await expect
      .poll(() => setup.log, { timeout: 10_000 })
      .toMatch(/certificate \(CN=sensor\) was revoked by CN=Cauldron CA of /);
    rmSync(setup.path('certs/clients/sensor.crt'));
    expect((await setup.run('show')).stdout.toString()).toMatch(/^client +sensor .* revoked on \d{4}-/m);
    const again = await setup.run('revoke', 'sensor');
    expect([again.exitCode, again.stderr]).toEqual([1, 'Error: sensor has no certificate that is still good.\n']);
  });

  it('renews the certificate when it is time: who is connected stays, who comes is shown the new one', async () => {
    const before = readFileSync(setup.path('certs/server.crt'), 'utf8');
    expect(said(await setup.run('renew'))).toMatch(/good for 729 more days; nothing to renew/);
    expect(readFileSync(setup.path('certs/server.crt'), 'utf8')).toBe(before);
    const staying = await enter('jjolie', 's1kr3t:1');
    expect(said(await setup.run('renew', '--before', '730', '--days', '90'))).toMatch(
      /: 90 days\.\nThe broker uses it\.\n/,
    );
    expect(readFileSync(setup.path('certs/server.crt'), 'utf8')).not.toBe(before);
    await staying.publish('owntracks/jjolie/phone', '', { qos: 1 });
    const shown = (await setup.run('show')).stdout.toString();
    expect(shown).toMatch(/^server +myhome\.invalid +729 .*replaced by a newer one/m);
    expect(shown).toMatch(/^server +myhome\.invalid +89 +\d{4}-\d\d-\d\d$/m);
  });

  it('renews the certificate of a client, and says what the client needs', async () => {
    await setup.run('client', 'device', '--certificate', '--no-qr', '--days', '10');
    expect(said(await setup.run('renew'))).toContain('The certificate of the client device ends in 9 days');
    const outcome = await setup.run('renew', 'device');
    expect(said(outcome)).toMatch(
      /Renewed the certificate of device\. Give the client \S+device\.p12; its password is \w{20}\n/,
    );
    await enterWith('device');
    expect(said(await setup.run('renew', 'nobody'))).toContain('nobody has no certificate here');
  });

  it.skipIf(!areInstalled('openssl'))(
    'puts a certificate into a file that opens with the password that it says',
    async () => {
      const text = said(await setup.run('client', 'phone2', '--certificate'));
      const password = /Its password, which is shown this once: (\w{20})\n/.exec(text)?.[1];
      const app = JSON.parse(readFileSync(setup.path('clients/phone2.otrc'), 'utf8'));
      expect(app).toMatchObject({ clientpkcs: 'phone2.otrp', passphrase: password, port: setup.certificatePort });
      for (const file of ['phone2.p12', 'phone2.otrp']) {
        const bytes = readFileSync(setup.path(`certs/clients/${file}`));
        expect(bytes.toString('base64')).toBe(app.tlsClientCrt);
      }
      const argv = ['pkcs12', '-in', setup.path('certs/clients/phone2.p12'), '-passin', `pass:${password}`, '-nodes'];
      expect(execFileSync(programPath('openssl'), argv, { encoding: 'utf8', stdio: 'pipe' })).toContain('PRIVATE KEY');
    },
  );

  it('done again saves what was there, keeps the CA, users, ports and names, and adds to them', async () => {
    const ca = readFileSync(setup.caFile, 'utf8');
    writeFileSync(setup.path('mosquitto.conf'), `${readFileSync(setup.path('mosquitto.conf'), 'utf8')}# mine\n`);
    const outcome = await setup.again('--user', 'jjolie', '--user', 'new');
    expect(outcome.exitCode).toBe(0);
    const text = said(outcome);
    expect(text).toContain('ok    The broker that runs has taken all of it over');
    expect(text).toContain('jjolie keeps the password');
    expect(text).toContain('It is for myhome.invalid, 203.0.113.9,');
    expect(readFileSync(setup.caFile, 'utf8')).toBe(ca);
    const [saved] = readdirSync(setup.folder).filter((name) => /^mosquitto\.conf-\d{8}-\d{6}$/.test(name));
    expect(readFileSync(setup.path(saved), 'utf8')).toMatch(/# mine\n$/);
    await enter('jjolie', 's1kr3t:1');
    await enter('new', /^ +new +(\w{20})$/m.exec(text)?.[1] ?? '');
  });

  it('done again tries what holds for users then, with friends of before', async () => {
    const users = [
      '--user',
      'jjolie:s1kr3t:1',
      '--user',
      'fred:secret',
      '--user',
      'eve:secret',
      '--friend',
      'fred=eve',
    ];
    const text = said(await setup.again(...users));
    expect(text).toContain('ok    fred sees jjolie, fred, eve and nobody else\n');
    expect(text).toContain('ok    eve sees eve and nobody else\n');
    expect(text).not.toContain('FAIL');
  });

  it('changes nothing of a broker that cannot take what has changed, and says why', async () => {
    const list = readFileSync(setup.path('certs/revoked.crl'));
    await setup.run('client', 'late', '--certificate', '--no-qr');
    writeFileSync(setup.path('acl'), `${readFileSync(setup.path('acl'), 'utf8')}nonsense\n`);
    const outcome = await setup.run('revoke', 'late');
    expect([outcome.exitCode, outcome.stderr]).toEqual([
      1,
      expect.stringMatching(/refuses what has changed:\n.*acl:\d+: /),
    ]);
    expect(readFileSync(setup.path('certs/revoked.crl'))).not.toEqual(list);
    writeFileSync(setup.path('acl'), readFileSync(setup.path('acl'), 'utf8').replace('nonsense\n', ''));
    expect((await setup.reload()).exitCode).toBe(0);
    await expect(enterWith('late')).rejects.toThrow();
  });
});

describe('cauldron setup, where it cannot go on,', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'cauldron-setup-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function setup(...argv: readonly string[]): Promise<Outcome> {
    return runCauldron(['setup', ...argv, '--dir', folder], '').ended;
  }

  it.each([
    [[], 'Nobody can be asked here: add --yes'],
    [['--yes', '--name', 'mqtts://x'], '"mqtts://x" is no name or address of a machine'],
    [['--yes', '--user', 'a/b'], '"a/b" cannot be the name of a user'],
    [['--yes', '--user', 'a:'], 'The password of a is empty'],
    [['--yes', '--user', 'a', '--user', 'a:x'], 'There can be only one user a'],
    [['--yes', '--user', 'a', '--friend', 'b=a'], '--friend b=a: b is none of the users'],
    [['--yes', '--friend', 'a'], '--friend is NAME=OTHER,OTHER, not "a"'],
    [['--yes', '--key', 'dsa'], '--key is one of ecdsa, rsa, not "dsa"'],
    [['client', 'a+b'], '"a+b" cannot be a name'],
    [['client', 'a', '--certificate', '--password', 'x'], 'a certificate or a password, not both'],
    [['client', 'a'], 'mosquitto.conf is not there. `cauldron setup` makes it'],
    [['show'], 'ca.crt is not there. `cauldron setup` makes it'],
    [['renew'], 'server.crt is not there. `cauldron setup` makes it'],
  ])('%j says so', async (argv, text) => {
    const { stderr, exitCode } = await setup(...argv);
    expect(stderr).toContain(text);
    expect(exitCode).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('a port that somebody else has is named', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve, reject) => {
      taken.listen(0, () => {
        const address = taken.address();
        if (address === null || typeof address === 'string') reject(new Error('The server has no port'));
        else resolve(address.port);
      });
    });
    const rights = process.geteuid?.() === 0 ? ['--run-as', 'root'] : [];
    const ports = ['--port', String(await freePort()), '--tls-port', String(port)];
    const { stderr, exitCode } = await setup('--yes', ...rights, ...ports);
    taken.close();
    expect(stderr).toMatch(new RegExp(`^Error: The broker does not start with \\S+mosquitto\\.conf:\n.*${port}`));
    expect(exitCode).toBe(1);
  });
});

describe('cauldron setup --systemd', () => {
  it('makes units for the broker and for renewals, and leaves no broker behind with --no-start', async () => {
    const units = mkdtempSync(join(tmpdir(), 'cauldron-units-'));
    const unit = join(units, 'mqtt.service');
    const setup = await MadeSetup.make([
      '--systemd',
      '--unit',
      unit,
      '--no-start',
      '--key',
      'rsa',
      '--log-file',
      'stderr',
    ]);
    try {
      const { folder, shown } = setup;
      expect(readFileSync(unit, 'utf8')).toContain(` broker -c ${folder}/mosquitto.conf\n`);
      expect(readdirSync(units).sort()).toEqual(['mqtt-renew.service', 'mqtt-renew.timer', 'mqtt.service']);
      expect(shown).toContain('Ended the broker again.');
      expect(readFileSync(setup.path('mosquitto.conf'), 'utf8')).toContain('\nlog_dest stderr\n');
      const { stdout } = await runCauldron(['status'], '').ended;
      expect(stdout.toString()).not.toContain(folder);
      await expect(connect(`mqtt://127.0.0.1:${setup.port}`)).rejects.toThrow(/ECONNREFUSED/);
    } finally {
      await setup.remove();
      rmSync(units, { recursive: true });
    }
  });
});
