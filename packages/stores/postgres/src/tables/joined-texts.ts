/** Where each of some texts is in the bytes of all, counted from 1, and how long it is. */
export type JoinedTexts = readonly [starts: number[], lengths: number[], bytes: Buffer]

/**
 * Texts end to end, as one value: in an array each of their quotes would be escaped, and parsed again.
 * `joinedText` reads one of them.
 */
export function joinedTexts(texts: readonly string[]): JoinedTexts {
  const lengths = texts.map((text) => Buffer.byteLength(text))
  let next = 1
  const starts = lengths.map((length) => {
    const start = next
    next += length
    return start
  })
  return [starts, lengths, Buffer.from(texts.join(''))]
}

/** The text of the row `u`, out of a parameter with the bytes of all. */
export function joinedText(parameter: string): string {
  return `convert_from(substring(${parameter}::bytea FROM u.start FOR u.length), 'UTF8')`
}
