import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { dirname } from 'node:path';
import { ConfigError, checkConfig, readConfigFile, readConfigFrom } from '@cauldron/broker';
import { encodePasswordHash, hashPassword } from '@cauldron/broker/passwords';
import { UsageError } from '../command-line/arguments.js';
import { runTool, type Tool } from '../command-line/tool.js';
import { inColour, operandsFor } from '../config/files.js';
import { PasswordFileEditor } from '../passwd/password-file-editor.js';
import { SETUP_ACTIONS } from '../setup.js';
import { daysLeftOf } from './authority.js';
import { brokerWith, cauldronCommand, reloadBroker, startBroker, stopBroker } from './broker.js';
import { configurationFor } from './configuration.js';
import { reportingFailures } from './folder.js';
import { makeFolder, OWNER_ONLY, type Owner, READABLE, replaceFile, saveFormer, textOf } from './kept-files.js';
import { addressesOf, namesOf, thisMachine } from './machine-names.js';
import { planFrom, SETUP_FLAGS, type SetupPlan } from './plan.js';
import { defaultAnswers, questionsAt } from './questions.js';
import { reachability } from './reachability.js';
import { renewalUnits, serviceUnit } from './service-unit.js';
import { SetupError } from './setup-error.js';
import { isSystemdRunning, startUnits } from './systemd.js';
import { type TrialUser, trial } from './trial.js';
import { aclWith, namesInPasswords, newPassword, seenBy } from './users.js';

const LOOKUP_TIMEOUT_MS = 5_000;

export const SETUP: Tool<typeof SETUP_FLAGS> = {
  name: 'setup',
  summary: `Sets up a broker that can stand on the internet: a CA and a certificate for every name and address of this
machine, TLS on port 8883 (MQTT, and MQTT over WebSocket), port 1883 for this machine only, users with passwords who may do
no more than they need, a log. Starts it, and tests it as its clients will see it. What was there is saved first, and a CA
and users that are there already are kept.
Exit status: 0 all is well, 1 something is not.`,
  usage: '[OPTIONS]',
  examples: [
    '',
    '--yes --name myhome.example.org --user jjolie --user fred --friend fred=jjolie',
    '--yes --dir /etc/cauldron --recorder recorder --systemd',
  ],
  flags: SETUP_FLAGS,
  notes: SETUP_ACTIONS,
};

/** `cauldron setup`. */
export function runSetupServer(argv: readonly string[]): Promise<number> {
  return runTool(SETUP, argv, async (values, operands) => {
    operandsFor([], operands);
    if (values.yes !== true && !process.stdin.isTTY) {
      throw new UsageError('Nobody can be asked here: add --yes to take the defaults of what no flag says');
    }
    const questions = values.yes ? defaultAnswers : questionsAt(process.stdin, process.stdout);
    return reportingFailures(async () => {
      let plan: SetupPlan;
      try {
        plan = await planFrom(values, questions);
      } finally {
        questions.close();
      }
      return await carryOut(plan);
    });
  });
}

async function carryOut(plan: SetupPlan): Promise<number> {
  const { folder } = plan;
  const owner = plan.runAs?.owner ?? null;
  makeFolder(folder.path, 0o755, null);
  const now = new Date();
  for (const file of [folder.configFile, folder.passwordFile, folder.aclFile]) {
    const copy = saveFormer(file, now);
    if (copy !== null) done(`Saved what was there: ${copy}`);
  }
  await makeCertificates(plan, owner);
  const users = await makeUsers(plan, owner);
  makeConfiguration(plan, owner, now);
  await checkConfiguration(folder.configFile);
  if (plan.unitFile !== null) makeUnits(plan, plan.unitFile);
  const isGood = await tryOut(plan, users);
  await tellTheRest(plan, users);
  return isGood ? 0 : 1;
}

async function makeCertificates(plan: SetupPlan, owner: Owner | null): Promise<void> {
  const { certificates } = plan.folder;
  const isNew = await certificates.prepare(plan.key, hostname());
  const life = `good for ${daysLeftOf(certificates.ca).toLocaleString('en')} days`;
  done(`${isNew ? 'Made a CA' : 'Kept the CA'}, ${life}: ${certificates.caFile}. Clients need this file.`);
  if (isNew)
    note(`Its key, ca.key beside it, lets its owner pretend to be the broker: keep it, and show it to nobody.`);
  const hosts = [...new Set([...plan.names, ...namesOf(thisMachine)])];
  await certificates.issueServer({ name: hosts[0], hosts, key: plan.key, days: plan.days }, owner);
  certificates.rememberNames(plan.names);
  done(`Made a certificate for the broker, good for ${plan.days} days: ${certificates.certFile}`);
  note(`It is for ${hosts.join(', ')}.`);
}

/** Resolves with those whose passwords are known: the new ones, and those who were given one. */
async function makeUsers(plan: SetupPlan, owner: Owner | null): Promise<TrialUser[]> {
  const { passwordFile, aclFile } = plan.folder;
  const before = textOf(passwordFile);
  if (before === null) replaceFile(passwordFile, '', OWNER_ONLY, owner);
  const present = namesInPasswords(before ?? '');
  const known = new Map<string, string>();
  const passwords = PasswordFileEditor.open(passwordFile);
  for (const user of plan.users) {
    if (user.password === null && present.has(user.name)) {
      note(`${user.name} keeps the password. For another one: cauldron passwd ${passwordFile} ${user.name}`);
      continue;
    }
    const password = user.password ?? newPassword();
    passwords.set(user.name, encodePasswordHash(await hashPassword(Buffer.from(password), { kind: 'argon2id' })));
    known.set(user.name, password);
  }
  passwords.save();
  done(`Wrote passwords: ${passwordFile}`);
  const acl = aclWith(textOf(aclFile) ?? '', plan.users);
  replaceFile(aclFile, acl, OWNER_ONLY, owner);
  done(`Wrote who may do what: ${aclFile}`);
  return Array.from(known, ([name, password]) => ({ name, password, sees: seenBy(acl, name) }));
}

function makeConfiguration(plan: SetupPlan, owner: Owner | null, madeAt: Date): void {
  const { passwordFile, aclFile, certificates, dataFolder, configFile } = plan.folder;
  const { caFile, certFile, keyFile, crlFile } = certificates;
  const { port, tlsPort, certificatePort, runAs, logFile } = plan;
  makeFolder(dataFolder, 0o700, owner);
  if (logFile !== null) makeFolder(dirname(logFile), 0o750, owner);
  const text = configurationFor({
    madeAt,
    port,
    tlsPort,
    certificatePort,
    user: runAs?.name ?? null,
    passwordFile,
    aclFile,
    caFile,
    certFile,
    keyFile,
    crlFile,
    dataFolder,
    logFile,
  });
  // Not the broker's own: root starts it by what stands there.
  replaceFile(configFile, text, READABLE, null);
  done(`Wrote the configuration: ${configFile}`);
}

async function checkConfiguration(configFile: string): Promise<void> {
  try {
    const { problems, warnings } = await checkConfig(readConfigFrom(readConfigFile(configFile)).config);
    for (const warning of warnings) note(warning);
    if (problems.length === 0) return;
    throw new SetupError(problems.join('\n'));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new SetupError(error.problems.join('\n'), { cause: error });
  }
}

function makeUnits({ folder, runAs, logFile }: SetupPlan, unitFile: string): void {
  const { configFile, dataFolder, path } = folder;
  const command = cauldronCommand();
  const user = runAs?.name ?? userInfo().username;
  const folders = logFile === null ? [dataFolder] : [dataFolder, dirname(logFile)];
  replaceFile(unitFile, serviceUnit({ command, configFile, user, folders }), READABLE, null);
  const { service, timer } = renewalUnits(command, path);
  const renewal = unitFile.replace(/(?:\.service)?$/, '-renew');
  replaceFile(`${renewal}.service`, service, READABLE, null);
  replaceFile(`${renewal}.timer`, timer, READABLE, null);
  done(`Made units of systemd: ${unitFile}, and ${renewal}.timer, which renews the certificate`);
}

/** Starts the broker, or has the one that runs reload, and tests it. Resolves with whether all is well. */
async function tryOut(plan: SetupPlan, users: readonly TrialUser[]): Promise<boolean> {
  const { configFile, certificates } = plan.folder;
  const wasRunning = await reloadBroker(configFile);
  if (!wasRunning) await startBroker(configFile);
  done(wasRunning ? 'The broker that runs has taken all of it over' : 'Started the broker');
  const own = addressesOf(thisMachine).find(({ address, isInternal }) => !isInternal && isIP(address) === 4);
  const target = {
    hosts: ['127.0.0.1', 'localhost', ...(own === undefined ? [] : [own.address])],
    tlsPort: plan.tlsPort,
    certificatePort: plan.certificatePort,
    ca: textOf(certificates.caFile) ?? '',
    users,
  };
  let problems = 0;
  for await (const { claim, problem } of trial(target)) {
    if (problem === null) done(claim);
    else failed(`${claim}: ${problem}`);
    if (problem !== null) problems++;
  }
  if (wasRunning) return problems === 0;
  if (!plan.isStarted || problems > 0) {
    await stopBroker(configFile);
    note(problems > 0 ? 'Ended the broker again: not all is well.' : 'Ended the broker again.');
  } else if (plan.unitFile !== null && isSystemdRunning()) {
    await stopBroker(configFile);
    startUnits(plan.unitFile);
    done('systemd runs the broker, now and after each start of the machine');
  } else {
    const pid = (await brokerWith(configFile))?.pid;
    note(`The broker goes on in the background${pid === undefined ? '' : `, as process ${pid}`}: cauldron status`);
  }
  return problems === 0;
}

async function tellTheRest(plan: SetupPlan, users: readonly TrialUser[]): Promise<void> {
  const { names, tlsPort, certificatePort, unitFile } = plan;
  const addresses = addressesOf(thisMachine);
  const name = hostname().toLowerCase();
  const advice = await reachability({
    addresses,
    givenNames: names,
    localName: namesOf(thisMachine).find((candidate) => candidate.endsWith('.local')) ?? name,
    ports: certificatePort === null ? [tlsPort] : [tlsPort, certificatePort],
    lookup: lookUp,
  });
  heading('From outside');
  for (const line of advice) note(line);
  if (users.length > 0) {
    heading('Passwords, which are shown this once');
    for (const user of users) process.stdout.write(`      ${user.name.padEnd(20)} ${user.password}\n`);
  }
  heading('Next');
  const dir = plan.folder.path === process.cwd() ? '' : ` --dir ${plan.folder.path}`;
  note(`For a telephone with OwnTracks: cauldron setup client NAME${dir}`);
  if (unitFile === null) note(`Every week, by cron, so that the certificate never ends: cauldron setup renew${dir}`);
  else if (!isSystemdRunning()) {
    note(
      'systemd does not run here. Where it does: systemctl daemon-reload && systemctl enable --now cauldron.service',
    );
  }
}

/** @throws (rejects) the system's error: the name has no address, or nobody knows in time */
async function lookUp(name: string): Promise<string[]> {
  const isLate = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error('no answer in time')), LOOKUP_TIMEOUT_MS).unref();
  });
  const found = await Promise.race([lookup(name, { all: true }), isLate]);
  return found.map(({ address }) => address);
}

function done(text: string): void {
  process.stdout.write(`${inColour('green', 'ok')}    ${text}\n`);
}

function failed(text: string): void {
  process.stdout.write(`${inColour('red', 'FAIL')}  ${text}\n`);
}

function note(text: string): void {
  process.stdout.write(`${inColour('dim', '-')}     ${text}\n`);
}

function heading(text: string): void {
  process.stdout.write(`\n${inColour('bold', text)}\n`);
}
