// The clients that are measured side by side, each used as its documentation says, for speed. A process loads only one.

/**
 * @typedef {object} BenchClient
 * @property {(topic: string, payload: Uint8Array, count: number) => Promise<unknown>} flood publishes so many messages
 *   with QoS 0, and waits for the last one only
 * @property {(topic: string, payload: Uint8Array, onDone: () => void) => void} publishQos1 publishes one message
 * @property {(filter: string, onMessage: () => void) => Promise<unknown>} receive
 * @property {() => Promise<unknown>} end
 */

/** @param {string} url @returns {Promise<BenchClient>} */
async function cauldron(url) {
  const { connect } = await import('@cauldron/client');
  const client = await connect(url);
  return {
    flood(topic, payload, count) {
      for (let i = 1; i < count; i++) client.publish(topic, payload);
      return client.publish(topic, payload);
    },
    publishQos1(topic, payload, onDone) {
      client.publish(topic, payload, { qos: 1 }).then(onDone);
    },
    receive: (filter, onMessage) => client.subscribe(filter, {}, onMessage),
    end: () => client.disconnect(),
  };
}

/** @param {string} url @returns {Promise<BenchClient>} */
async function mqttJs(url) {
  const { connectAsync } = await import('mqtt');
  // The same version of the protocol as the other's default.
  const client = await connectAsync(url, { protocolVersion: 5 });
  /** @param {Error | undefined} error */
  const throwOn = (error) => {
    if (error) throw error;
  };
  return {
    flood(topic, payload, count) {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
      for (let i = 1; i < count; i++) client.publish(topic, bytes, throwOn);
      return new Promise((resolve, reject) => {
        client.publish(topic, bytes, (error) => (error ? reject(error) : resolve(undefined)));
      });
    },
    publishQos1(topic, payload, onDone) {
      const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
      client.publish(topic, bytes, { qos: 1 }, (error) => {
        throwOn(error);
        onDone();
      });
    },
    receive(filter, onMessage) {
      client.on('message', onMessage);
      return client.subscribeAsync(filter);
    },
    end: () => client.endAsync(),
  };
}

/** @type {Readonly<Record<string, (url: string) => Promise<BenchClient>>>} */
export const libraries = { cauldron, 'mqtt.js': mqttJs };
