/**
 * Text that PostgreSQL can hold: it knows neither the character NUL nor half a surrogate pair. The
 * inside of a JSON string has neither, and is the text itself where nothing in it is special.
 */
export function plainText(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** The text again, as it was given to `plainText`. */
export function originalText(plain: string): string {
  return plain.includes('\\') ? (JSON.parse(`"${plain}"`) as string) : plain
}
