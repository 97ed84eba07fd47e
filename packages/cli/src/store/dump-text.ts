import type { Message, StoredSession } from '@cauldron/broker';
import { NEVER_EXPIRES } from '@cauldron/codec';
import { AWAITED, type StorePart } from './dump.js';
import { payloadText, subscriptionJson } from './json-form.js';

const LONGEST_PAYLOAD = 80;
const VERSION_NAMES = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5.0' } as const;

/** A part of a store for people: a line, and for a session one more for its will and for each subscription. */
export function partLines(part: StorePart): string[] {
  return linesOf(part).map(withoutControls);
}

function linesOf(part: StorePart): string[] {
  switch (part.kind) {
    case 'session':
      return sessionLines(part.session);
    case 'inflight': {
      const { packetId, state, delivery } = part.inflight;
      const head = `  in flight for ${part.clientId}: packet id ${packetId} awaits ${AWAITED[state]}`;
      return [delivery === null ? head : `${head}, QoS ${delivery.qos}, ${messageText(delivery.message)}`];
    }
    case 'queued': {
      const { clientId, position, qos, message } = part.queued;
      return [`  queued for ${clientId}: position ${position}, QoS ${qos}, ${messageText(message)}`];
    }
    case 'retained':
      return [`retained: QoS ${part.message.qos}, ${messageText(part.message)}`];
  }
}

function sessionLines({ record, subscriptions, inbound, queuedMessages, queuedBytes }: StoredSession): string[] {
  const { clientId, username, address, protocolVersion, expiryIntervalS, disconnectedAtMs, will } = record;
  const facts: string[] = [VERSION_NAMES[protocolVersion]];
  if (username !== undefined) facts.push(`user ${username}`);
  if (address !== '') facts.push(`from ${address}`);
  facts.push(disconnectedAtMs === null ? 'connected' : `away since ${timeText(disconnectedAtMs)}`);
  facts.push(expiryIntervalS === NEVER_EXPIRES ? 'never expires' : `expires ${expiryIntervalS} s after it has left`);
  if (queuedMessages > 0) facts.push(`${queuedMessages} messages of ${queuedBytes} bytes wait`);
  if (inbound.length > 0) facts.push(`inbound packet ids ${inbound.join(' ')}`);
  const lines = [`session ${clientId}: ${facts.join(', ')}`];
  if (will !== null) lines.push(`  will after ${will.delayS} s: QoS ${will.message.qos}, ${messageText(will.message)}`);
  for (const subscription of subscriptions) {
    const { filter, qos, ...options } = subscriptionJson(subscription);
    const shown = Object.entries(options).map(([name, value]) => `, ${name} ${value}`);
    lines.push(`  subscribed to ${filter}: QoS ${qos}${shown.join('')}`);
  }
  return lines;
}

function messageText({ topic, payload, retain, expiresAtMs, publishedAtMs }: Message): string {
  const text = payloadText(payload);
  const shown = text === null ? Buffer.from(payload).toString('hex') : JSON.stringify(text);
  const cut = shown.length <= LONGEST_PAYLOAD ? shown : `${shown.slice(0, LONGEST_PAYLOAD)}...`;
  const facts = [`${payload.length} bytes`];
  if (retain) facts.push('retained');
  if (publishedAtMs !== 0) facts.push(`published ${timeText(publishedAtMs)}`);
  if (expiresAtMs !== Number.POSITIVE_INFINITY) facts.push(`expires ${timeText(expiresAtMs)}`);
  return `${facts.join(', ')}, ${topic}: ${cut}`;
}

function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x1f\x7f]/g;

/** Client ids and topics come from outside: they must not move the cursor, or make lines of their own. */
function withoutControls(line: string): string {
  return line.replace(CONTROLS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
