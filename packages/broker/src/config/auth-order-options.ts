import { broker, type Option } from './option.js';
import type { OptionType } from './option-types.js';

/** The ways in, in the order in which they are asked if nothing else was said. `users`: plugins and `password_file`. */
export const AUTH_WAYS = ['users', 'jwt', 'http'] as const;

export type AuthWay = (typeof AUTH_WAYS)[number];

const ORDER: OptionType<readonly AuthWay[]> = {
  kind: 'list',
  unit: '',
  range: AUTH_WAYS.join(', '),
  expects: `${AUTH_WAYS.join(', ')}, each once at most, in the order in which they are to be asked`,
  example: 'jwt users http',
  read(value) {
    const words = value.split(/[\s,]+/).filter((word) => word !== '');
    const ways = words.flatMap((word) => AUTH_WAYS.find((way) => way === word) ?? []);
    return words.length > 0 && ways.length === words.length && new Set(ways).size === ways.length ? ways : undefined;
  },
};

export const authOrderOptions: readonly Option[] = [
  broker('auth_order', ORDER, {
    isOwn: true,
    default: AUTH_WAYS.join(' '),
    doc: 'Which way in is asked first about a client: users (plugins, then password_file), tokens, or the HTTP service. The first that knows something about the client decides. What is not named comes behind.',
    set: (draft, ways) => {
      draft.authOrder = [...ways, ...AUTH_WAYS.filter((way) => !ways.includes(way))];
    },
  }),
];
