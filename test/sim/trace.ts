/** A log of the simulation, with equal lines for equal seeds. */
export interface Trace {
  readonly lines: readonly string[]
  tell(line: string): void
  /** Returns a text with its random names replaced. */
  renamed(text: string): string
}

/** Replaces random ids and hashes with names in the order of their appearance. */
const randomName = /\b(del|ses|pay|apr)_[0-9a-f]{32}|\b(?:0x)?[0-9a-f]{64}\b/g

export function createTrace(): Trace {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()
  const lines: string[] = []
  const renamed = (text: string): string =>
    text.replace(randomName, (found: string, prefix: string | undefined) => {
      const kind = prefix ?? 'hash'
      const known = names.get(found)
      if (known !== undefined) return known
      const count = (counts.get(kind) ?? 0) + 1
      counts.set(kind, count)
      names.set(found, `${kind}_${count}`)
      return `${kind}_${count}`
    })
  return { lines, renamed, tell: (line) => void lines.push(renamed(line)) }
}
