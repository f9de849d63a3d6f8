import { Buffer } from 'node:buffer'

/** A secret to search for: its text, or the secret part of a text such as a key. */
export interface Secret {
  readonly name: string
  readonly text: string
}

/** Bytes that are looked for at once: long enough that no other bytes are the same by chance. */
export const PIECE_BYTES = 16

/** The part of a key, a token or a wallet's key that is not known to others. */
export function secret(name: string, text: string): Secret {
  return { name, text: text.split(/^0x|_(?=[A-Za-z0-9_-]{43}$)/).at(-1) ?? '' }
}

/** Every form in which a program may keep a secret, by its name. */
export function formsOf({ text }: Secret): Readonly<Record<string, Buffer>> {
  const utf8 = Buffer.from(text)
  const bytes = /^([0-9a-f]{2})+$/i.test(text)
    ? Buffer.from(text, 'hex')
    : Buffer.from(text, 'base64url')
  return {
    text: utf8,
    'UTF-16': Buffer.from(text, 'utf16le'),
    reversed: Buffer.from([...text].reverse().join('')),
    bytes,
    'bytes, reversed': Buffer.from(bytes).reverse(),
    number: Buffer.from(BigInt(`0x${bytes.toString('hex') || '0'}`).toString()),
    ...encoded('text', utf8),
    ...encoded('bytes', bytes),
  }
}

/** Base64 looks otherwise where other bytes stand before it; what depends on these is left out. */
function encoded(of: string, bytes: Buffer): Record<string, Buffer> {
  const hex = bytes.toString('hex')
  const forms: Record<string, Buffer> = {
    [`${of} in hex`]: Buffer.from(hex),
    [`${of} in upper hex`]: Buffer.from(hex.toUpperCase()),
  }
  for (const before of [0, 1, 2]) {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
    const cut = (text: string): Buffer =>
      Buffer.from(text.slice(Math.ceil((before * 4) / 3), Math.floor((whole.length * 4) / 3)))
    forms[`${of} in base64, ${before} before`] = cut(whole.toString('base64'))
    forms[`${of} in base64url, ${before} before`] = cut(whole.toString('base64url'))
  }
  return forms
}

/**
 * The pieces of a form. One of them is in every part of it that is twice as long, so that also a
 * secret that is kept in parts is found.
 */
export function piecesOf(form: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at + PIECE_BYTES <= form.length; at += PIECE_BYTES) {
    pieces.push(form.subarray(at, at + PIECE_BYTES))
  }
  return pieces
}
