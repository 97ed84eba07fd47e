import type { ServerSection } from '../suite/section.js';
import { pingreq } from './3.12-pingreq.js';

/** Every statement that binds the server, in the order of the standard. */
export const SERVER_SECTIONS: readonly ServerSection[] = [pingreq];
