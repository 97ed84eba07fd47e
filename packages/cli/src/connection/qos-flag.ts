/** `-q`; what it means for a command, its `doc` says. */
export const QOS_FLAG = { short: '-q', long: '--qos', kind: 'integer', value: 'QOS', lowest: 0, highest: 2 } as const;
