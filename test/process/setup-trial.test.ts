import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finding, type TrialTarget, trial } from '../../packages/cli/src/setup/trial.js';
import { BrokerProcess } from '../support/broker-process.js';
import { type Certificates, certificates } from '../support/certificates.js';
import { areInstalled } from '../support/programs.js';

describe.skipIf(!areInstalled('openssl'))('the trial of a broker', () => {
  let made: Certificates;
  let broker: BrokerProcess;
  let target: TrialTarget;

  beforeAll(async () => {
    made = await certificates();
    broker = await BrokerProcess.start([`certfile ${made.certFile}`, `keyfile ${made.keyFile}`]);
    const user = { password: 'secret', sees: [] };
    target = {
      hosts: ['127.0.0.1'],
      tlsPort: broker.port,
      certificatePort: broker.port,
      ca: readFileSync(made.caFile, 'utf8'),
      users: [
        { ...user, name: 'anna' },
        { ...user, name: 'fred' },
      ],
    };
  });

  afterAll(() => broker?.stop());

  async function findings(of: TrialTarget): Promise<Finding[]> {
    const found = [];
    for await (const finding of trial(of)) found.push(finding);
    return found;
  }

  it('finds all that a broker allows which lets everybody in', async () => {
    const problems = (await findings(target)).filter(({ problem }) => problem !== null);
    expect(problems.map(({ claim, problem }) => `${claim}: ${problem}`)).toEqual([
      `127.0.0.1:${broker.port} shows a certificate that is for 127.0.0.1: anybody gets in without a user name`,
      'Who gives no user name is refused: it got in',
      'anna is refused with a wrong password: it got in',
      'fred is refused with a wrong password: it got in',
      `Who has no certificate is refused on port ${broker.port}: it got in`,
      'anna may not publish below owntracks/fred: the broker took the message',
      'fred may not publish below owntracks/anna: the broker took the message',
      'anna sees anna and nobody else: seen: anna, fred',
      'fred sees fred and nobody else: seen: anna, fred',
    ]);
  });

  it('says what is wrong with a certificate, and with a broker that is not there', async () => {
    const [foreign] = await findings({ ...target, ca: readFileSync(made.clientCertFile, 'utf8'), users: [] });
    expect(foreign.problem).toMatch(/the server's certificate .* was not issued by a CA that is trusted/);
    const nobody = await findings({ ...target, tlsPort: 1, users: [], certificatePort: 1 });
    expect(nobody.map(({ problem }) => problem)).toEqual(nobody.map(() => expect.stringMatching(/ECONNREFUSED/)));
  });
});
