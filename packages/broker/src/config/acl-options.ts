import { broker, type Option } from './option.js';
import { oneOf } from './option-types.js';

/** What is said about rights. */
export const aclOptions: readonly Option[] = [
  broker('access_reasons', oneOf('none', 'short', 'full'), {
    isOwn: true,
    default: 'short',
    doc: 'What an MQTT 5 client that may not publish or subscribe is told beside the reason code: nothing; that it is not authorised; or also the rule that decided, with file and line. The log has the rule in any case.',
    set: ({ settings }, reasons) => {
      settings.accessReasons = reasons;
    },
  }),
];
