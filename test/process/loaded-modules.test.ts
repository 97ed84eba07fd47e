import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { killAll, RunningProgram } from '../support/running-program.js';

const COMMAND = fileURLToPath(new URL('../../bin/cauldron.js', import.meta.url));

/** Tells each module that is loaded on the standard error. */
const HOOKS = `import { writeSync } from 'node:fs';
export async function load(url, context, next) { writeSync(2, 'loads ' + url + '\\n'); return next(url, context); }`;
const REGISTER = `import { register } from 'node:module';
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOKS)}));`;

/** What takes long to load, and is of no use to a tool that sends one message. */
const NEEDLESS = [
  /\/packages\/broker\/(?!dist\/nearest-name)/,
  /\/node_modules\//,
  /^node:(child_process|crypto|dns|http|https|tls|readline|worker_threads)/,
  /\/(format|sub|decode|recording|man|completion|store|ctrl|setup)\//,
];

describe('a tool loads what it needs, and no more:', () => {
  let broker: BrokerProcess;
  beforeAll(async () => {
    broker = await BrokerProcess.start();
  });
  afterAll(async () => {
    await broker.stop();
    await killAll();
  });

  it.each([
    ['pub -m', () => ['pub', ...broker.flags, '-t', 'x', '-m', 'x']],
    ['pub --help', () => ['pub', '--help']],
    ['--version', () => ['--version']],
  ])('cauldron %s', async (_what, argv) => {
    const loader = `data:text/javascript,${encodeURIComponent(REGISTER)}`;
    const { exitCode, stderr } = await new RunningProgram(
      process.execPath,
      ['--import', loader, COMMAND, ...argv()],
      '',
    ).ended;
    expect(exitCode).toBe(0);
    const loaded = [...stderr.matchAll(/^loads (.*)$/gm)].map(([, url]) => url);
    expect(loaded.length).toBeGreaterThan(3);
    expect(loaded.filter((url) => NEEDLESS.some((pattern) => pattern.test(url)))).toEqual([]);
  });
});
