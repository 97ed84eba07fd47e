import { describe, expect, it } from 'vitest';
import { CAULDRON, helpOf, MOSQUITTO, readFlags, readGivenConfig } from './command-line.js';

describe('the command line of the broker', () => {
  it('takes what Mosquitto takes', () => {
    const argv = ['-c', 'a.conf', '-d', '-p', '1884', '-p', '1885', '-v', '--test-config', '--tls-keylog', 'keys'];
    expect(readFlags(argv)).toMatchObject({
      'config-file': 'a.conf',
      daemon: true,
      ports: [1884, 1885],
      verbose: true,
      'test-config': true,
      'tls-keylog': 'keys',
    });
  });

  it.each([
    [['--tls-keylo', 'x'], "Unknown option '--tls-keylo'. Did you mean --tls-keylog?"],
    [['-x'], "Unknown option '-x'."],
    [['a.conf'], "'a.conf' belongs to no option. A configuration file needs -c before it."],
    [['-p', '0'], "-p takes a port from 1 to 65535, not '0'."],
    [['-p', '65536'], "-p takes a port from 1 to 65535, not '65536'."],
    [Array(11).fill('-p1884'), '-p can be given 10 times; use a configuration file.'],
    [['-v', '-q'], '-v and -q cannot be given together.'],
    [['--test-config'], '--test-config needs the file that is to be checked: -c FILE.'],
  ])('refuses %j', (argv, message) => {
    expect(() => readFlags(argv)).toThrow(message);
  });

  it('opens the ports that it names to this machine, up to ten of them', () => {
    const ports = Array.from({ length: 10 }, (_, index) => 2000 + index);
    const { config } = readGivenConfig(readFlags(ports.flatMap((port) => ['-p', String(port)])));
    expect([...new Set(config.listeners.map(({ port }) => port))]).toEqual(ports);
    expect(config.localOnly).toBe(true);
  });

  it('passes the file for the secrets of TLS on', () => {
    expect(readGivenConfig(readFlags(['--tls-keylog', 'keys'])).config.tlsKeyLogFile).toBe('keys');
    expect(readGivenConfig(readFlags([])).config.tlsKeyLogFile).toBeNull();
  });

  it('is told by the help, under the name that was called', () => {
    for (const program of [CAULDRON, MOSQUITTO]) {
      const help = helpOf(program);
      expect(help).toContain(`Usage: ${program.name} [-c FILE] [-p PORT] [-d]`);
      for (const flag of ['-c, --config-file FILE', '-d, --daemon', '--tls-keylog FILE', '-h, --help']) {
        expect(help).toContain(`  ${flag}`);
      }
    }
  });
});
