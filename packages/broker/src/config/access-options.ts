import { broker, type Option, security } from './option.js';
import { flag, path } from './option-types.js';

const REMOVE = 'Remove the line if the broker may run without it';

/**
 * Who may do what. What guards access is refused until it is there: to take `password_file` without asking for passwords
 * would be worse than not to start.
 */
export const accessOptions: readonly Option[] = [
  security('password_file', path('/etc/cauldron/passwords'), {
    default: 'none',
    doc: 'Names and passwords of users, as mosquitto_passwd writes them.',
    status: { kind: 'refused', instead: `is not there yet: this version asks nobody for a password. ${REMOVE}.` },
    set: () => {},
  }),
  security('acl_file', path('/etc/cauldron/acl'), {
    default: 'none',
    doc: 'Topics that users may read and write.',
    status: { kind: 'refused', instead: `is not there yet: this version has no access rules by topic. ${REMOVE}.` },
    set: () => {},
  }),
  broker('enable_control_api', flag, {
    default: 'false',
    doc: 'Whether $CONTROL/broker/v1 answers questions about listeners and plugins.',
    status: { kind: 'planned', part: 'control API' },
    set: () => {},
  }),
];
