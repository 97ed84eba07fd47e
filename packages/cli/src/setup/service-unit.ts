import { readFileSync } from 'node:fs';

const PATTERN = new URL('../../../../packaging/systemd/cauldron.service', import.meta.url);
const HOMES = /^\/(?:home|root|run\/user)\//;

/** What a unit of systemd has to know; paths are absolute. */
export interface Service {
  /** Program and first arguments of the command `cauldron`. */
  readonly command: readonly string[];
  readonly configFile: string;
  readonly user: string;
  /** Where the broker has to write. */
  readonly folders: readonly string[];
}

/** The unit of the packaging, for this configuration. */
export function serviceUnit({ command, configFile, user, folders }: Service): string {
  const call = commandLine(command);
  const isInHome = [...command, configFile].some((path) => HOMES.test(path));
  return readFileSync(PATTERN, 'utf8')
    .replace(/^ExecStart=.*$/m, () => `ExecStart=${call} broker -c ${commandLine([configFile])}`)
    .replace(/^ExecReload=.*$/m, () => `ExecReload=${call} reload --pid $MAINPID`)
    .replace(/^User=.*$/m, () => `User=${user}`)
    .replace(/^Group=.*\n/m, '')
    .replace(/^ProtectHome=.*$/m, isInHome ? 'ProtectHome=read-only' : 'ProtectHome=yes')
    .replace(/^ProtectSystem=.*$/m, (line) =>
      [line, ...folders.map((path) => `ReadWritePaths=${quoted(path)}`)].join('\n'),
    );
}

/** Looks every week whether the certificate has to be renewed: a unit for the work and one for the time. */
export function renewalUnits(command: readonly string[], folder: string): { service: string; timer: string } {
  return {
    service: `[Unit]
Description=Cauldron: renews the certificate of the broker

[Service]
Type=oneshot
ExecStart=${commandLine([...command, 'setup', 'renew', '--dir', folder])}
`,
    timer: `[Unit]
Description=Cauldron: renews the certificate of the broker in time

[Timer]
OnCalendar=weekly
RandomizedDelaySec=1h
Persistent=true

[Install]
WantedBy=timers.target
`,
  };
}

/** In it, and nowhere else, variables are replaced. */
function commandLine(argv: readonly string[]): string {
  return argv.map((argument) => quoted(argument).replaceAll('$', '$$$$')).join(' ');
}

/** A word as systemd reads it (systemd.syntax, "Quoting"; systemd.unit, "Specifiers"). */
function quoted(word: string): string {
  const text = word.replaceAll('%', '%%');
  return /^[\w./@:=+,%-]+$/.test(text) ? text : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
