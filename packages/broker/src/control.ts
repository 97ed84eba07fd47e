/** How other programs of this machine reach a broker that runs. */
export { askBroker, ControlRefused, ControlUnreachable, runningBrokers } from './process/control-client.js';
export type { ControlSocket } from './process/control-folder.js';
export type { ControlRequest, ControlResult } from './process/control-protocol.js';
export { pidIn } from './process/pid-file.js';
