/** ACL files: reading them, asking them, and what a running broker has recorded of accesses. */

export { AccessFileError } from './access/access-file-error.js';
export type { Access } from './access/access-record.js';
export { type AclAction, type AclCandidate, type AclExplanation, explainAcl } from './access/acl-explain.js';
export { type AclFile, type AclLine, parseAclFile, readAclFile } from './access/acl-file.js';
export { reviewAcl } from './access/acl-review.js';
export { type AclClient, AclRules } from './access/acl-rules.js';
