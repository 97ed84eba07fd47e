import { type ProtocolError, ReasonCode } from '@cauldron/codec';
import type { Connection } from './connection.js';
import { ConnectionState } from './connection-state.js';
import type { ListenerPolicy } from './settings.js';

/** Why a client has to leave. */
export type Parting = Pick<ProtocolError, 'reasonCode' | 'message'>;

/**
 * Why a client cannot stay when this policy takes the place of that which let it in; null: it can. One that loses a right
 * loses it at once; what it was told in CONNACK stays true for as long as it is connected.
 */
export function partingAt(connection: Connection, after: ListenerPolicy): Parting | null {
  const { listener: before, session, version } = connection;
  if (connection.state < ConnectionState.AUTHENTICATING) return null;
  if (session === null) {
    // Somebody is deciding by the old rules about who it is.
    const isSame = decidesAlike(before, after) && after.acceptedVersions.includes(version);
    return isSame ? null : parting(ReasonCode.SERVER_BUSY, 'the settings of the listener changed: try again');
  }
  if (!after.acceptedVersions.includes(version)) {
    return parting(ReasonCode.NOT_AUTHORIZED, 'the listener does not take this protocol version any more');
  }
  if (before.usernameFrom !== after.usernameFrom) {
    return parting(ReasonCode.NOT_AUTHORIZED, 'the listener takes user names from elsewhere now');
  }
  const { clientId, username } = session.principal;
  if (after.usesUsernameAsClientId && username !== clientId) {
    return parting(ReasonCode.NOT_AUTHORIZED, 'the client id is the user name now');
  }
  const isAnonymous = username === undefined && connection.authentication === null;
  if (isAnonymous && before.allowAnonymous && !after.allowAnonymous) {
    return parting(ReasonCode.NOT_AUTHORIZED, 'allow_anonymous is false now');
  }
  if (before.mountPoint !== after.mountPoint) {
    return parting(ReasonCode.ADMINISTRATIVE_ACTION, 'the mount_point of the listener changed');
  }
  return null;
}

function decidesAlike(before: ListenerPolicy, after: ListenerPolicy): boolean {
  return (
    before.access === after.access &&
    before.allowAnonymous === after.allowAnonymous &&
    before.usernameFrom === after.usernameFrom &&
    before.usesUsernameAsClientId === after.usesUsernameAsClientId &&
    before.mountPoint === after.mountPoint
  );
}

function parting(reasonCode: ReasonCode, message: string): Parting {
  return { reasonCode, message };
}
