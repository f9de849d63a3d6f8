/**
 * Returns a text that PostgreSQL can hold: it stores neither the character NUL nor half a surrogate
 * pair.
 *
 * The text is escaped as inside a JSON string, and stays as it is if it has no special character.
 */
export function escapeNulText(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** Returns the escaped text, or null if there is none. */
export function escapeOptionalText(text: string | undefined): string | null {
  return text === undefined ? null : escapeNulText(text)
}

/** Returns the text that `escapeNulText` was given. */
export function unescapeNulText(escaped: string): string {
  return escaped.includes('\\') ? (JSON.parse(`"${escaped}"`) as string) : escaped
}

/** Returns the unescaped text of a column, or null if the column is null. */
export function unescapeNulColumn(column: unknown): string | null {
  return column === null ? null : unescapeNulText(column as string)
}
