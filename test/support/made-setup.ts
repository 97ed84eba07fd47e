import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCauldron } from './broker-process.js';
import { freePort } from './free-port.js';
import type { Outcome } from './running-program.js';

/** What `cauldron setup` has made, in a folder that was empty before, with a broker that runs in the background. */
export class MadeSetup {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly certificatePort: number;
  /** What the setup said. */
  readonly shown: string;

  private constructor(folder: string, ports: readonly number[], shown: string) {
    this.folder = folder;
    [this.port, this.tlsPort, this.certificatePort] = ports;
    this.shown = shown;
  }

  /** @throws (rejects) Error with all that was said, if it failed */
  static async make(flags: readonly string[]): Promise<MadeSetup> {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-setup-'));
    const ports = [await freePort(), await freePort(), await freePort()];
    const [plain, tls, certificate] = ports.map(String);
    const places = ['--port', plain, '--tls-port', tls, '--certificate-port', certificate];
    const argv = ['setup', '--yes', '--dir', folder, ...places, ...RIGHTS, ...flags];
    const { stdout, stderr, exitCode } = await runCauldron(argv, '').ended;
    const setup = new MadeSetup(folder, ports, stdout.toString());
    if (exitCode === 0) return setup;
    await setup.remove();
    throw new Error(`The setup has failed:\n${stdout}${stderr}`);
  }

  get caFile(): string {
    return this.path('certs/ca.crt');
  }

  get log(): string {
    return readFileSync(this.path('log/cauldron.log'), 'utf8');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** That of a user whose password was made. */
  passwordOf(user: string): string {
    const password = new RegExp(`^ +${user} +(\\w{20})$`, 'm').exec(this.shown)?.[1];
    if (password === undefined) throw new Error(`No password of ${user} was shown`);
    return password;
  }

  /** `cauldron setup ARGS` once more. */
  run(...argv: readonly string[]): Promise<Outcome> {
    return runCauldron(['setup', ...argv, '--dir', this.folder], '').ended;
  }

  /** The same for all that it asks first. */
  again(...flags: readonly string[]): Promise<Outcome> {
    return this.run('--yes', ...RIGHTS, ...flags);
  }

  reload(): Promise<Outcome> {
    return runCauldron(['reload', '-c', this.path('mosquitto.conf')], '').ended;
  }

  /** Ends the broker, if it runs, and removes all. */
  async remove(): Promise<void> {
    const { stdout } = await runCauldron(['status'], '').ended;
    const line = stdout
      .toString()
      .split('\n')
      .find((text) => text.includes(this.path('mosquitto.conf')));
    const pid = Number(/^process (\d+)/.exec(line ?? '')?.[1] ?? 0);
    if (pid > 0) process.kill(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true });
  }
}

/** Root has to say whose rights the broker is to have. In tests it keeps its own: nobody else can reach their folders. */
const RIGHTS: readonly string[] = process.geteuid?.() === 0 ? ['--run-as', 'root'] : [];
