import { describe, expect, it } from 'vitest';
import { renewalUnits, serviceUnit } from './service-unit.js';

const COMMAND = ['/usr/bin/node', '/opt/cauldron/bin/cauldron.js'];

describe('a unit of systemd', () => {
  it('runs the broker with its configuration, as its user, who may write where it has to', () => {
    const folders = ['/srv/mqtt/data', '/srv/mqtt/log'];
    const unit = serviceUnit({ command: COMMAND, configFile: '/srv/mqtt/mosquitto.conf', user: 'mosquitto', folders });
    expect(unit).toContain(
      '\nExecStart=/usr/bin/node /opt/cauldron/bin/cauldron.js broker -c /srv/mqtt/mosquitto.conf\n',
    );
    expect(unit).toContain('\nExecReload=/usr/bin/node /opt/cauldron/bin/cauldron.js reload --pid $MAINPID\n');
    expect(unit).toContain('\nUser=mosquitto\n');
    expect(unit).not.toContain('Group=');
    expect(unit).toContain('\nProtectSystem=strict\nReadWritePaths=/srv/mqtt/data\nReadWritePaths=/srv/mqtt/log\n');
    expect(unit).toContain('\nProtectHome=yes\n');
  });

  it('lets the broker read what lies in a home, and quotes what systemd would take apart', () => {
    const configFile = '/home/anna/my mqtt/100%.conf';
    const unit = serviceUnit({ command: COMMAND, configFile, user: 'anna', folders: [] });
    expect(unit).toContain('\nProtectHome=read-only\n');
    expect(unit).toContain(' broker -c "/home/anna/my mqtt/100%%.conf"\n');
  });

  it('renews the certificate every week', () => {
    const { service, timer } = renewalUnits(COMMAND, '/srv/mqtt');
    expect(service).toContain('ExecStart=/usr/bin/node /opt/cauldron/bin/cauldron.js setup renew --dir /srv/mqtt\n');
    expect(timer).toContain('OnCalendar=weekly\n');
  });
});
