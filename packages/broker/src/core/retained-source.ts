import type { Context } from './context.js';
import type { Message } from './message.js';
import type { Decision } from './ports/access.js';
import { LogType } from './ports/log.js';

/**
 * Whether a retained message may be given out as far as its publisher goes, with `check_retain_source`: what somebody
 * wrote who may not any more is not passed on. It stays, because rights may come back.
 */
export function isSourceGood(context: Context, message: Message): boolean | Promise<boolean> {
  const { authorizer, settings } = context;
  const { source, topic } = message;
  if (source === null || authorizer.unrestricted || !settings.checkRetainSource) return true;
  const judge = ({ allowed, rule }: Decision): boolean => {
    if (!allowed) logWithheld(context, message, rule);
    return allowed;
  };
  const answer = authorizer.mayPublish(source, topic);
  if (!(answer instanceof Promise)) return judge(answer);
  return answer.then(judge, (error: unknown) => {
    logWithheld(context, message, `the authorizer failed: ${String(error)}`);
    return false;
  });
}

function logWithheld({ log }: Context, { publisher, topic }: Message, rule: string): void {
  if (log.types & LogType.DEBUG) {
    log.write(LogType.DEBUG, `Withheld the retained message of ${publisher} for '${topic}': ${rule}`);
  }
}
