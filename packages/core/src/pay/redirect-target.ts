/** The longest URL of a redirect that is passed on, in characters. */
const MAX_TARGET_LENGTH = 500

/**
 * Returns the target of a redirect as an absolute http or https URL in ASCII, without user info and fragment.
 * Returns undefined if it is none, or longer than 500 characters. A stranger wrote it: no text of ours
 * repeats it outside of fenced content.
 */
export function redirectTarget(location: string, requested: URL): string | undefined {
  if (!URL.canParse(location, requested)) return undefined
  const target = new URL(location, requested)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') return undefined
  target.username = ''
  target.password = ''
  target.hash = ''
  return target.href.length > MAX_TARGET_LENGTH ? undefined : target.href
}
