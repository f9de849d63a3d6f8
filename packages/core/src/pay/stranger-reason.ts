/** The longest reason of a stranger that is recorded, in characters. */
const MAX_REASON_LENGTH = 200

/** The shortest part of a secret that a reason may not repeat, in letters and digits. */
const MAX_REPEATED = 12

/** The shortest secret that is looked for as a whole: a shorter one is in every text. */
const MIN_SECRET_LENGTH = 4

/** A number in hex that is as long as an address, a nonce or a signature. */
const longHex = /[0-9a-f]{32}/i

/**
 * Returns the words of a stranger in the form in which they may be recorded: at most 200 printable ASCII
 * characters, in quotes. Returns undefined if nothing is left, or if they repeat a value that the caller sent
 * or a part of the payload, in any letter case, as base64, or with other characters between. A record is
 * kept for ever, so that a doubtful reason is left out.
 *
 * `sent` are the values of the request's headers, those of the payload included.
 */
export function quoteStranger(words: string, sent: readonly string[]): string | undefined {
  const text = words
    .slice(0, MAX_REASON_LENGTH)
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
  if (text === '' || longHex.test(text)) return undefined
  const heard = reasonLettersOf(text)
  return sent.flatMap(reasonFormsOf).some((secret) => repeatsReason(heard, secret))
    ? undefined
    : `"${text}"`
}

/** Returns the letters of a value, of its base64, and of what its words say if they are base64. */
function reasonFormsOf(value: string): readonly string[] {
  const own = reasonLeavesOf(value) ?? [value, Buffer.from(value).toString('base64')]
  const decoded = value.split(/[\s,;=:]+/).flatMap((word) => {
    const text = Buffer.from(word, 'base64').toString('latin1')
    return reasonLeavesOf(text) ?? [text]
  })
  return [...own, ...decoded].map(reasonLettersOf)
}

/**
 * Returns the long texts in a JSON text, such as a signature. Names of fields and short values, such as a
 * scheme, are in every reason that the protocol has. Returns undefined if it is no JSON.
 */
function reasonLeavesOf(json: string): readonly string[] | undefined {
  const leaves: string[] = []
  try {
    JSON.parse(json, (_name, leaf: unknown) => {
      if (typeof leaf === 'string' && leaf.length > MAX_REPEATED) leaves.push(leaf)
      return leaf
    })
  } catch {
    return undefined
  }
  return leaves
}

function reasonLettersOf(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '')
}

/** Checks whether a text has a short secret as a whole, or any part of a long one. */
function repeatsReason(heard: string, secret: string): boolean {
  if (secret.length < MIN_SECRET_LENGTH) return false
  if (secret.length <= MAX_REPEATED) return heard.includes(secret)
  for (let at = 0; at + MAX_REPEATED <= heard.length; at += 1) {
    if (secret.includes(heard.slice(at, at + MAX_REPEATED))) return true
  }
  return false
}
