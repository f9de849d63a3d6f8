import { sha256Hash } from '../primitives/hash.ts'

/** Makes the token of a session from a secret. The token is shown once, and only its hash is stored. */
export function sessionToken(
  session: string,
  secret: string,
): { readonly token: string; readonly tokenHash: string } {
  const token = `bursar_${session}_${secret}`
  return { token, tokenHash: sha256Hash(token) }
}

/** Makes the text of a service key, which its holder sends, from the key's id and secret. */
export function keyTokenText(id: string, secret: string): string {
  return `bursar_${id}_${secret}`
}

/** Reads the id out of a key's text, and hashes the text. Returns undefined if the text is no key. */
export function readKeyToken(
  text: string,
): { readonly id: string; readonly hash: string } | undefined {
  const id = keyPattern.exec(text)?.[1]
  return id === undefined ? undefined : { id, hash: sha256Hash(text) }
}

const keyPattern = /^bursar_(key_[0-9a-f]{32})_([A-Za-z0-9_-]{43})$/

/** Reads the session out of a token, and hashes the token. Returns undefined if it is no session token. */
export function readSessionToken(
  token: unknown,
): { readonly session: string; readonly tokenHash: string } | undefined {
  if (typeof token !== 'string') return undefined
  const session = sessionTokenPattern.exec(token)?.[1]
  return session === undefined ? undefined : { session, tokenHash: sha256Hash(token) }
}

const sessionTokenPattern = /^bursar_(ses_[0-9a-f]{32})_([A-Za-z0-9_-]{43})$/
