import { FUSESOURCE } from './fusesource/fusesource.js';
import { describeSubject } from './matrix.js';

describeSubject(FUSESOURCE);
