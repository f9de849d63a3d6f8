import { Buffer } from 'node:buffer'

/** A secret to search for: its text, or the secret part of a text such as a key. */
export interface Secret {
  readonly name: string
  readonly text: string
}

/** The length of a search piece in bytes: long enough that no other bytes are equal by chance. */
export const PIECE_BYTES = 16

/** Returns the secret part of a key, a token or a wallet's key. */
export function secret(name: string, text: string): Secret {
  return { name, text: text.split(/^0x|_(?=[A-Za-z0-9_-]{43}$)/).at(-1) ?? '' }
}

/** Returns every encoding in which a program may keep a secret, by name. */
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

/**
 * Encodes as base64 at each of the three alignments, without the characters that depend on
 * neighbours.
 */
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
 * Cuts a form into pieces. Each part of the form that is twice as long holds one of them whole, so
 * that a secret in parts is found, too.
 */
export function piecesOf(form: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at + PIECE_BYTES <= form.length; at += PIECE_BYTES) {
    pieces.push(form.subarray(at, at + PIECE_BYTES))
  }
  return pieces
}
