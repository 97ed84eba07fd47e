/** A mandatory normative statement of a standard. */
export interface Statement {
  /** As the standard writes it, without brackets: `MQTT-3.1.0-1`. */
  readonly id: string;
  /** The side that the wording binds. */
  readonly binds: Side | 'both';
  readonly wording: string;
}

export type Side = 'server' | 'client';
