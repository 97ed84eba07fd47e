// MQTT.js, made usable by lines of text: node client.js HOST PORT VERSION CLIENT_ID. The lines: ../line-client.ts
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { connect } from 'mqtt';

const [, , host, port, versionText, clientId] = process.argv;
const version = Number(versionText);

const tell = (...words) => process.stdout.write(`${words.join(' ')}\n`);

/** The first words of a line, and what comes behind them. */
function split(line, count) {
  const words = line.split(' ');
  return [...words.slice(0, count), words.slice(count).join(' ')];
}

let client;
let will;
let properties = {};

function showMessage(topic, payload, packet) {
  const { contentType, responseTopic, correlationData, userProperties = {} } = packet.properties ?? {};
  if (contentType !== undefined) tell('property', 3, contentType);
  if (responseTopic !== undefined) tell('property', 8, responseTopic);
  if (correlationData !== undefined) tell('property', 9, correlationData);
  for (const [name, values] of Object.entries(userProperties)) {
    for (const value of [values].flat()) tell('property', 38, name, value);
  }
  tell('received', topic, packet.qos, Number(packet.retain), payload);
}

const addProperty = {
  3: (contentType) => Object.assign(properties, { contentType }),
  8: (responseTopic) => Object.assign(properties, { responseTopic }),
  9: (text) => Object.assign(properties, { correlationData: Buffer.from(text) }),
  38: (pair) => {
    const [name, value] = split(pair, 1);
    properties.userProperties ??= {};
    const values = properties.userProperties;
    values[name] = [...(values[name] ?? []), value];
  },
};

const commands = {
  will(rest) {
    const [topic, qos, retain, payload] = split(rest, 3);
    will = { topic, payload, qos: Number(qos), retain: retain === '1' };
  },
  connect(rest) {
    const [cleanText, transport, caFile] = split(rest, 2);
    const clean = cleanText === '1';
    const scheme = { tcp: 'mqtt', ws: 'ws', tls: 'mqtts' }[transport];
    client = connect(`${scheme}://${host}:${port}`, {
      clientId,
      clean,
      will,
      protocolVersion: version,
      protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
      reconnectPeriod: 0,
      ...(version === 5 && !clean && { properties: { sessionExpiryInterval: 3600 } }),
      ...(caFile !== '' && { ca: readFileSync(caFile) }),
    });
    client.on('connect', ({ sessionPresent }) => tell('connected', Number(sessionPresent)));
    client.on('message', showMessage);
    client.on('close', () => tell(client.disconnecting ? 'disconnected' : 'lost'));
  },
  async subscribe(rest) {
    const [topic, qos] = split(rest, 1);
    const [grant] = await client.subscribeAsync(topic, { qos: Number(qos) });
    tell('subscribed', grant.qos);
  },
  property(rest) {
    const [identifier, value] = split(rest, 1);
    addProperty[identifier](value);
  },
  async publish(rest) {
    const [topic, qos, retain, payload] = split(rest, 3);
    const sent = properties;
    properties = {};
    await client.publishAsync(topic, payload, { qos: Number(qos), retain: retain === '1', properties: sent });
    tell('published');
  },
  async disconnect() {
    await client.endAsync();
    process.exit();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command, rest] = split(line, 1);
  await commands[command](rest);
}
