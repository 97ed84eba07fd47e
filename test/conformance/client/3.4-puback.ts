import { clientSection } from '../suite/section.js';
import { refusedMessages } from './refused-messages.js';

export const puback = clientSection('3.4 PUBACK', (test) => refusedMessages(test, 'PUBACK', '3.4.2'));
