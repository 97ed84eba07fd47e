// Two nodes through which a flow talks to the program that started Node-RED. In both directions a message is a line of
// JSON, with the name of the node in it.
const { createInterface } = require('node:readline');

module.exports = (RED) => {
  const inputs = new Map();
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { to, ...message } = JSON.parse(line);
    inputs.get(to).send(message);
  });

  /** Sends each line of standard input that has its name as `to`. */
  function LineInput(config) {
    RED.nodes.createNode(this, config);
    inputs.set(config.name, this);
  }
  RED.nodes.registerType('line in', LineInput);

  /** Prints each message, with its own name as `from`. */
  function LineOutput(config) {
    RED.nodes.createNode(this, config);
    this.on('input', ({ _msgid, ...message }, _send, done) => {
      process.stdout.write(`${JSON.stringify({ from: config.name, ...message })}\n`);
      done();
    });
  }
  RED.nodes.registerType('line out', LineOutput);
};
