import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@cauldron/broker';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const packaging = (name: string): string => join(ROOT, 'packaging', name);
const read = (name: string): string => readFileSync(packaging(name), 'utf8');

function isInstalled(program: string): boolean {
  const isThere = spawnSync(program, ['--version']).error === undefined;
  if (!isThere) console.warn(`Skipped: ${program} cannot be found`);
  return isThere;
}

describe('what is there for packages', () => {
  it.skipIf(!isInstalled('systemd-analyze'))('has units that systemd finds nothing wrong with', () => {
    const folder = mkdtempSync(join(tmpdir(), 'cauldron-units-'));
    try {
      // The program need not be installed here.
      const units = ['cauldron.service', 'cauldron.socket'].map((name) => {
        const path = join(folder, name);
        writeFileSync(path, read(`systemd/${name}`).replaceAll('/usr/bin/cauldron', process.execPath));
        return path;
      });
      const { stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' });
      expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('cauldron'))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['docker/mosquitto.conf', 'docker/mosquitto-no-auth.conf'])('has a good configuration in %s', (name) => {
    const { persistence, localOnly, warnings } = loadConfig(packaging(name));
    expect([persistence?.folder, localOnly, warnings]).toEqual([
      '/mosquitto/data',
      name === 'docker/mosquitto.conf',
      [],
    ]);
  });

  it('puts nothing into the image that is not in the repository', () => {
    const copied = [...read('docker/Dockerfile').matchAll(/^COPY (?!--from)(?:--\S+ )*(.+) \S+$/gm)];
    const paths = copied.flatMap(([, sources]) => sources.split(' '));
    expect(paths.length).toBeGreaterThan(5);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const linked = [...read('docker/Dockerfile').matchAll(/ln -s \/opt\/cauldron\/(\S+)/g)].map(([, path]) => path);
    expect(linked).toHaveLength(3);
    expect(linked.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(['docker/entrypoint.sh', 'openrc/cauldron'])('has a script in %s that a shell can read', (name) => {
    expect(spawnSync('sh', ['-n', packaging(name)], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  it.skipIf(!isInstalled('python3'))('has a property list for launchd', () => {
    const program = 'import plistlib, sys; print(" ".join(plistlib.load(open(sys.argv[1], "rb"))["ProgramArguments"]))';
    const { stdout } = spawnSync('python3', ['-c', program, packaging('launchd/cauldron.plist')], { encoding: 'utf8' });
    expect(stdout).toBe('/usr/local/bin/cauldron broker -c /usr/local/etc/cauldron/cauldron.conf\n');
  });
});
