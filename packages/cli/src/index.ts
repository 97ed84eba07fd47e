export { runCommand, runMosquittoProgram } from './commands.js';
