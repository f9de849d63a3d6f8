/** Longest header value that is read, in characters: far more than twenty honest offers need. */
export const MAX_HEADER_LENGTH = 32_768

/** What untrusted JSON turned out to be. */
export type Decoded = { readonly value: unknown } | { readonly problem: string }

/**
 * Reads JSON that a stranger wrote. The key `__proto__` is refused wherever it stands, and of a key
 * that is given twice the last value counts, for every reader after this one.
 */
export function readJson(text: string): Decoded {
  try {
    return { value: JSON.parse(text, refusePrototype) }
  } catch {
    return { problem: 'is not JSON, or has the key __proto__' }
  }
}

/** Reads a header of x402: padded base64 of UTF-8 JSON, in exactly the form that encoding gives. */
export function readHeader(value: string): Decoded {
  if (value.length > MAX_HEADER_LENGTH) {
    return { problem: `is longer than ${MAX_HEADER_LENGTH} characters` }
  }
  const bytes = Buffer.from(value, 'base64')
  // `Buffer` skips what it does not know, so only what encodes back to the same text was base64.
  if (value === '' || bytes.toString('base64') !== value) return { problem: 'is not base64' }
  const text = readUtf8(bytes)
  return text === undefined ? { problem: 'is not UTF-8' } : readJson(text)
}

/** Writes a header of x402. */
export function writeHeader(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64')
}

/** Decodes UTF-8, or answers `undefined` where it is broken. */
export function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new SyntaxError('__proto__ is not a name for a value.')
  return value
}
