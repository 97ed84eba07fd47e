import { LIBMOSQUITTO } from './libmosquitto/libmosquitto.js';
import { describeSubject } from './matrix.js';

describeSubject(LIBMOSQUITTO);
