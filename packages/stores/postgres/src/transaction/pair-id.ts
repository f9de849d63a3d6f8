/** What a row with two names is found by. The first name is an id, which has no spaces. */
export function pairId(first: string, second: string): string {
  return `${first} ${second}`
}

/** The two names again. */
export function pairOf(id: string): [string, string] {
  const space = id.indexOf(' ')
  return [id.slice(0, space), id.slice(space + 1)]
}
