export { runCommand, runMosquittoProgram } from './commands.js';
export { manualPages } from './man.js';
