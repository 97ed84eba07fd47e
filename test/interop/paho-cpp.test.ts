import { describeSubject } from './matrix.js';
import { PAHO_CPP } from './paho-cpp/paho-cpp.js';

describeSubject(PAHO_CPP);
