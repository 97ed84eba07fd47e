/** What a client sent is not SCRAM, or of a kind that is not offered; the message says why, and may be shown to anybody. */
export class ScramMessageError extends Error {
  override readonly name = 'ScramMessageError';
}

/** The first message of a client (RFC 5802, section 7). */
export interface ClientFirst {
  /** With its end: the comma before `bare`. */
  readonly gs2Header: string;
  readonly username: string;
  readonly nonce: string;
  /** All but the header: part of what is signed. */
  readonly bare: string;
}

/** The second and last one. */
export interface ClientFinal {
  /** `c=`, in Base64. */
  readonly channelBinding: string;
  readonly nonce: string;
  readonly proof: Buffer;
  /** All but the proof: part of what is signed. */
  readonly withoutProof: string;
}

/** More is not needed by anybody. */
const MAX_MESSAGE_BYTES = 4096;
const NONCE = /^[!-+\--~]{8,512}$/;
const PROOF_BYTES = 32;

/** @throws ScramMessageError */
export function parseClientFirst(data: Uint8Array): ClientFirst {
  const text = textOf(data);
  const [, gs2Header, binding, authzid, bare] = /^((n|y|p=[^,]*),(a=[^,]*)?,)(.*)$/s.exec(text) ?? [];
  if (gs2Header === undefined) throw new ScramMessageError('the first message does not begin as one of SCRAM');
  if (binding.startsWith('p')) throw new ScramMessageError('channel binding is not offered');
  if (bare.startsWith('m=')) throw new ScramMessageError('an extension that is not known is required');
  const [name, nonce] = attributesOf(bare, ['n', 'r']);
  const username = unescaped(name);
  if (authzid !== undefined && unescaped(authzid.slice('a='.length)) !== username) {
    throw new ScramMessageError('nobody may act for another user');
  }
  if (!NONCE.test(nonce)) throw new ScramMessageError('the nonce has to be 8 to 512 printable characters');
  return { gs2Header, username, nonce, bare };
}

/** @throws ScramMessageError */
export function parseClientFinal(data: Uint8Array): ClientFinal {
  const text = textOf(data);
  const [, withoutProof, encoded] = /^(.*),p=([^,]*)$/s.exec(text) ?? [];
  if (withoutProof === undefined) throw new ScramMessageError('the last message has no proof');
  const [channelBinding, nonce] = attributesOf(withoutProof, ['c', 'r']);
  const proof = Buffer.from(encoded, 'base64');
  if (proof.length !== PROOF_BYTES) throw new ScramMessageError(`the proof has to have ${PROOF_BYTES} bytes`);
  return { channelBinding, nonce, proof, withoutProof };
}

/** The values of the attributes that a message begins with; what follows them are extensions, which say nothing here. */
function attributesOf(message: string, names: readonly [string, string]): [string, string] {
  const parts = message.split(',', names.length);
  const [first, second] = names.map((name, at) => {
    if (parts[at]?.startsWith(`${name}=`)) return parts[at].slice(2);
    throw new ScramMessageError(`a message lacks '${name}='`);
  });
  return [first, second];
}

/** A name as it is between commas. */
function unescaped(name: string): string {
  if (name === '' || /=(?!2C|3D)/.test(name)) throw new ScramMessageError('the user name is empty, or not escaped');
  return name.replace(/=2C|=3D/g, (code) => (code === '=2C' ? ',' : '='));
}

function textOf(data: Uint8Array): string {
  if (data.length > MAX_MESSAGE_BYTES)
    throw new ScramMessageError(`a message has more than ${MAX_MESSAGE_BYTES} bytes`);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(data);
  if (text.includes('\uFFFD') || text.includes('\0')) throw new ScramMessageError('a message is not text in UTF-8');
  return text;
}
