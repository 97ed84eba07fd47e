import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { explaining } from './setup-error.js';

/** Whether systemd is the service manager of this machine (sd_booted(3)). */
export function isSystemdRunning(): boolean {
  return existsSync('/run/systemd/system');
}

/** Has systemd read its units again, and start the broker and the renewals, now and at each start of the machine. */
export function startUnits(unitFile: string): void {
  const unit = basename(unitFile);
  const timer = `${unit.replace(/\.service$/, '')}-renew.timer`;
  for (const argv of [['daemon-reload'], ['enable', '--now', unit, timer]]) {
    explaining(`systemctl ${argv.join(' ')}`, () => execFileSync('systemctl', argv, { stdio: 'pipe' }));
  }
}
