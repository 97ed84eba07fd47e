import { clientSection } from '../suite/section.js';
import { refusedMessages } from './refused-messages.js';

export const pubrec = clientSection('3.5 PUBREC', (test) => refusedMessages(test, 'PUBREC', '3.5.2'));
