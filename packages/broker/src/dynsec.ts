/** The file of dynamic security, for tools that make one, or change it while no broker uses it. */

export { AccessFileError } from './access/access-file-error.js';
export { replaceFile } from './access/dynsec/durable-file.js';
export { type DynsecFile, dynsecFileText, readDynsecFile } from './access/dynsec/dynsec-file.js';
export { initialState } from './access/dynsec/first-state.js';
