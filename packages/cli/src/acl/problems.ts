import { AccessFileError } from '@cauldron/broker/acl';

/** What is wrong with an ACL file. @throws the error itself when it is about something else */
export function aclProblemsOf(error: unknown): readonly string[] {
  if (error instanceof AccessFileError) return error.problems;
  throw error;
}
