/**
 * Settings that some tests need, under the names that a person asks for them with. The lines are those of a mosquitto.conf;
 * an arrangement without lines is made by the target in its own way.
 */
export const ARRANGEMENTS = {
  plain: { doc: 'lets everybody in and refuses nothing that the standard allows', lines: [] },
  'maximum-qos-1': { doc: 'max_qos 1', lines: ['max_qos 1'] },
  'no-retain': { doc: 'retain_available false', lines: ['retain_available false'] },
  'maximum-keep-alive': { doc: 'max_keepalive 60', lines: ['max_keepalive 60'] },
  'maximum-packet-size': { doc: 'max_packet_size 2000', lines: ['max_packet_size 2000'] },
  'short-queues': { doc: 'max_queued_messages 10', lines: ['max_queued_messages 10'] },
  'no-duplicates': {
    doc: 'allow_duplicate_messages false',
    lines: ['allow_duplicate_messages false'],
  },
  'no-empty-client-id': {
    doc: 'allow_zero_length_clientid false',
    lines: ['allow_zero_length_clientid false'],
  },
  passwords: {
    doc: 'lets in only user "fry" with password "slurm", and sees a CONNECT without them as not authorized',
    lines: [],
  },
  access: {
    doc: 'nobody may publish to, subscribe to or receive conformance/+/denied',
    lines: [],
  },
  fault: { doc: 'fails inside when it handles a PUBLISH to conformance/+/fault', lines: [] },
  'enhanced-authentication': {
    doc: 'has the authentication method "conformance": it asks with data "who?" and takes the answer "me"',
    lines: [],
  },
} as const satisfies Record<string, Arrangement>;

interface Arrangement {
  readonly doc: string;
  readonly lines: readonly string[];
}

export type ArrangementName = keyof typeof ARRANGEMENTS;
