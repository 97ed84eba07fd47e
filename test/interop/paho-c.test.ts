import { describeSubject } from './matrix.js';
import { PAHO_C } from './paho-c/paho-c.js';

describeSubject(PAHO_C);
