import { sha256 } from '../primitives/hash.ts'

/** The token of a session, made of its secret. It is shown once; only its hash is stored. */
export function sessionToken(
  session: string,
  secret: string,
): { readonly token: string; readonly tokenHash: string } {
  const token = `bursar_${session}_${secret}`
  return { token, tokenHash: sha256(token) }
}

/** A key of the service as its holder sends it: what it is, which one, and its secret. */
export function keyText(id: string, secret: string): string {
  return `bursar_${id}_${secret}`
}

/** Which key a text claims to be, and the hash that it has to have; `undefined` if it is none. */
export function readKeyText(
  text: string,
): { readonly id: string; readonly hash: string } | undefined {
  const id = keyPattern.exec(text)?.[1]
  return id === undefined ? undefined : { id, hash: sha256(text) }
}
const keyPattern = /^bursar_(key_[0-9a-f]{32})_([A-Za-z0-9_-]{43})$/
/** The session that a token speaks of, and the token's hash; `undefined` if it is no token. */
export function readSessionToken(
  token: unknown,
): { readonly session: string; readonly tokenHash: string } | undefined {
  if (typeof token !== 'string') return undefined
  const session = sessionTokenPattern.exec(token)?.[1]
  return session === undefined ? undefined : { session, tokenHash: sha256(token) }
}
const sessionTokenPattern = /^bursar_(ses_[0-9a-f]{32})_([A-Za-z0-9_-]{43})$/
