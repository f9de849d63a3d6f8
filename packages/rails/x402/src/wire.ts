/**
 * The longest header value that is read, in characters: far more than twenty honest offers need.
 */
export const MAX_HEADER_LENGTH = 32_768

/**
 * The outcome of decoding untrusted JSON. A problem completes a sentence that begins with the
 * subject.
 */
export type Decoded = { readonly value: unknown } | { readonly problem: string }

/**
 * Parses untrusted JSON. Refuses the key `__proto__` at any depth, and a key that one object gives
 * twice, because readers differ in which of the two values counts.
 */
export function readWireJson(text: string): Decoded {
  let keys = 0
  try {
    const value: unknown = JSON.parse(text, function (this: unknown, key, part: unknown) {
      if (key === '__proto__') throw new SyntaxError('__proto__ is not a name for a value.')
      if (!Array.isArray(this)) keys += 1
      return part
    })
    // The reviver is called once more, for the whole value, with a key that is not in the text.
    return wireKeysIn(text) === keys - 1 ? { value } : { problem: 'gives a key twice' }
  } catch {
    return { problem: 'is not JSON, or has the key __proto__' }
  }
}

/** Counts the keys in valid JSON text: a string that a colon follows is always a key. */
function wireKeysIn(text: string): number {
  const strings = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)
  return [...strings].filter(([, colon]) => colon !== undefined).length
}

/**
 * Decodes an x402 header: base64 of UTF-8 JSON. The URL-safe alphabet and missing padding are read,
 * too, because servers send them; every other character, and bits that the encoding would not set,
 * make it unreadable.
 */
export function readWireHeader(value: string): Decoded {
  if (value.length > MAX_HEADER_LENGTH) {
    return { problem: `is longer than ${MAX_HEADER_LENGTH} characters` }
  }
  const bytes = Buffer.from(value, 'base64')
  const standard = value
    .replaceAll('-', '+')
    .replaceAll('_', '/')
    .replace(/={1,2}$/, '')
  // `Buffer` skips what it does not know, so only what encodes back to the same text was base64.
  if (value === '' || bytes.toString('base64').replace(/=+$/, '') !== standard) {
    return { problem: 'is not base64' }
  }
  const text = readWireUtf8(bytes)
  return text === undefined ? { problem: 'is not UTF-8' } : readWireJson(text)
}

/** Encodes an x402 header. */
export function writeWireHeader(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64')
}

/** Decodes UTF-8. Returns undefined if the bytes are malformed. */
export function readWireUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
