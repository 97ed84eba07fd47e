import { afterAll, describe } from 'vitest';
import { areInstalled } from '../support/programs.js';
import { killAll } from '../support/running-program.js';
import { startAedes } from './other-brokers/aedes.js';
import { startEjabberd } from './other-brokers/ejabberd.js';
import { startMosquitto } from './other-brokers/mosquitto.js';
import { describeOwnClients } from './own-clients/suite.js';

afterAll(killAll);

describe.skipIf(!areInstalled('mosquitto'))('Mosquitto', () => {
  describeOwnClients({ versions: [3, 4, 5], toolVersions: [4, 5], queuedQos: [1, 2], start: startMosquitto });
});

describe.skipIf(!areInstalled('ejabberdctl'))('ejabberd', () => {
  describeOwnClients({ versions: [4, 5], toolVersions: [4, 5], queuedQos: [1, 2], start: startEjabberd });
});

describe('aedes', () => {
  // When PUBREC comes while it still sends its queue, aedes 1.2 may send another message's PUBREL instead of the right one.
  describeOwnClients({ versions: [3, 4], toolVersions: [4], queuedQos: [1], start: startAedes });
});
