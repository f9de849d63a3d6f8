/** Texts as the bytes of all, end to end, with the start (from 1) and the length of each in bytes. */
export type PackedTexts = readonly [starts: number[], lengths: number[], bytes: Buffer]

/**
 * Packs texts into one value, of which `packedText` selects one.
 *
 * In an array of texts every quote would be escaped here and parsed again by the server: JSON is full
 * of quotes.
 */
export function packTexts(texts: readonly string[]): PackedTexts {
  const lengths = texts.map((text) => Buffer.byteLength(text))
  let next = 1
  const starts = lengths.map((length) => {
    const start = next
    next += length
    return start
  })
  return [starts, lengths, Buffer.from(texts.join(''))]
}

/** Returns the SQL of the text of row `u`, out of a parameter with the bytes of all texts. */
export function packedText(parameter: string): string {
  return `convert_from(substring(${parameter}::bytea FROM u.start FOR u.length), 'UTF8')`
}
