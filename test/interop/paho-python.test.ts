import { describeSubject } from './matrix.js';
import { PAHO_PYTHON } from './paho/paho-python.js';

describeSubject(PAHO_PYTHON);
