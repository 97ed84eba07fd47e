import { clientOptions } from './client-options.js';
import { listenerOptions } from './listener-options.js';
import { logOptions } from './log-options.js';
import { messageOptions } from './message-options.js';
import type { Option } from './option.js';
import { persistenceOptions } from './persistence-options.js';
import { processOptions } from './process-options.js';
import { tlsOptions } from './tls-options.js';

/** All options but the lines that begin a block or bring in other files, which `read-config.ts` reads. */
export const OPTIONS: readonly Option[] = [
  ...listenerOptions,
  ...tlsOptions,
  ...clientOptions,
  ...messageOptions,
  ...persistenceOptions,
  ...logOptions,
  ...processOptions,
];
