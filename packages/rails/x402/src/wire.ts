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
 * Parses untrusted JSON. Refuses the key `__proto__` at any depth. If a key is given twice, the
 * last value counts for every later reader.
 */
export function readJson(text: string): Decoded {
  try {
    return { value: JSON.parse(text, refusePrototype) }
  } catch {
    return { problem: 'is not JSON, or has the key __proto__' }
  }
}

/** Decodes an x402 header: padded base64 of UTF-8 JSON, in exactly the form that encoding gives. */
export function readHeader(value: string): Decoded {
  if (value.length > MAX_HEADER_LENGTH) {
    return { problem: `is longer than ${MAX_HEADER_LENGTH} characters` }
  }
  const bytes = Buffer.from(value, 'base64')
  // `Buffer` skips invalid characters, so only a text that encodes back to itself was base64.
  if (value === '' || bytes.toString('base64') !== value) return { problem: 'is not base64' }
  const text = readUtf8(bytes)
  return text === undefined ? { problem: 'is not UTF-8' } : readJson(text)
}

/** Encodes an x402 header. */
export function writeHeader(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64')
}

/** Decodes UTF-8. Returns undefined if the bytes are malformed. */
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
