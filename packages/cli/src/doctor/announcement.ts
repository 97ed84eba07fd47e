import type { Connack, Properties } from '@cauldron/codec';
import { type Finding, harmless } from './finding.js';
import { ASKED_SESSION_EXPIRY_S } from './version-check.js';

/** Below that, ordinary messages do not fit: a photograph, a track of a day. */
const SMALL_PACKET_BYTES = 65_536;
/** Many telephones sleep longer than that between two signs of life. */
const SHORT_KEEP_ALIVE_S = 30;

type Line = Pick<Finding, 'check' | 'mark' | 'text' | 'advice'>;

/** What CONNACK of 5.0 says of the broker, in words; what it does not say has a default in the standard (3.2.2.3). */
export function announcements({ properties = {} }: Connack): Finding[] {
  return [quality, size, window, features, aliases, keepAlive, sessions, more].flatMap((tell) =>
    tell(properties).map((line) => ({ area: 'limits' as const, ...line })),
  );
}

function quality({ maximumQoS }: Properties): Line[] {
  if (maximumQoS === undefined) return [{ check: 'maximum-qos', mark: 'ok', text: 'QoS 0, 1 and 2' }];
  const text = maximumQoS === 1 ? 'QoS 0 and 1, but not 2' : 'QoS 0 only';
  return [{ check: 'maximum-qos', mark: 'note', text, advice: 'Clients have to keep to that, or are disconnected.' }];
}

function size({ maximumPacketSize }: Properties): Line[] {
  const check = 'maximum-packet-size';
  if (maximumPacketSize === undefined) return [{ check, mark: 'ok', text: 'Packets of any size' }];
  const text = `Packets up to ${maximumPacketSize.toLocaleString('en')} bytes`;
  if (maximumPacketSize >= SMALL_PACKET_BYTES) return [{ check, mark: 'ok', text }];
  return [{ check, mark: 'note', text, advice: 'Larger messages are not taken.' }];
}

function window({ receiveMaximum = 65_535 }: Properties): Line[] {
  const text = `Up to ${receiveMaximum.toLocaleString('en')} messages of QoS 1 and 2 unacknowledged`;
  return [{ check: 'receive-maximum', mark: 'ok', text }];
}

function features(properties: Properties): Line[] {
  const all: [string, 0 | 1 | undefined][] = [
    ['retained messages', properties.retainAvailable],
    ['wildcards', properties.wildcardSubscriptionAvailable],
    ['shared subscriptions', properties.sharedSubscriptionAvailable],
    ['subscription identifiers', properties.subscriptionIdentifierAvailable],
  ];
  const there = all.filter(([, available]) => available !== 0).map(([name]) => name);
  const missing = all.filter(([, available]) => available === 0).map(([name]) => name);
  const lines: Line[] = [];
  if (there.length > 0) lines.push({ check: 'features', mark: 'ok', text: sentence(there, 'and') });
  if (missing.length > 0)
    lines.push({ check: 'features', mark: 'note', text: `No ${sentence(missing, 'or').toLowerCase()}` });
  return lines;
}

function aliases({ topicAliasMaximum = 0 }: Properties): Line[] {
  const text =
    topicAliasMaximum === 0 ? 'No topic aliases' : `Up to ${topicAliasMaximum.toLocaleString('en')} topic aliases`;
  return [{ check: 'topic-alias-maximum', mark: 'ok', text }];
}

function keepAlive({ serverKeepAlive }: Properties): Line[] {
  const check = 'server-keep-alive';
  if (serverKeepAlive === undefined) return [{ check, mark: 'ok', text: 'The keep-alive that clients ask for' }];
  const text = `A keep-alive of ${serverKeepAlive} s, whatever clients ask for`;
  if (serverKeepAlive === 0 || serverKeepAlive >= SHORT_KEEP_ALIVE_S) return [{ check, mark: 'note', text }];
  return [{ check, mark: 'note', text, advice: 'Telephones that sleep are disconnected, and batteries suffer.' }];
}

function sessions({ sessionExpiryInterval = ASKED_SESSION_EXPIRY_S }: Properties): Line[] {
  const check = 'session-expiry';
  if (sessionExpiryInterval >= ASKED_SESSION_EXPIRY_S) {
    return [{ check, mark: 'ok', text: 'Sessions outlive their connection, for an hour at least' }];
  }
  const text =
    sessionExpiryInterval === 0
      ? 'Sessions end with their connection'
      : `Sessions outlive their connection by ${sessionExpiryInterval} s at most`;
  return [{ check, mark: 'note', text, advice: 'What is published after that does not wait for the client.' }];
}

/** What only some brokers say. */
function more({ reasonString, responseInformation, serverReference, userProperties = [] }: Properties): Line[] {
  const said: [string, string | undefined][] = [
    ['It says', reasonString],
    ['Response information', responseInformation],
    ['Another broker to use', serverReference],
    ...userProperties.map(([name, value]): [string, string] => [harmless(name), value]),
  ];
  return said.flatMap(([name, value]): Line[] =>
    value === undefined ? [] : [{ check: 'said', mark: 'note', text: `${name}: ${harmless(value)}` }],
  );
}

function sentence(words: readonly string[], joint: 'and' | 'or'): string {
  const text = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} ${joint} ${words.at(-1)}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
