/**
 * Returns an id made from the request, for frameworks whose calls have none, such as a workflow. A
 * step that is retried sends the same request and gets the same id; other requests get others.
 */
export async function requestId(name: string, input: unknown): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(input) ?? '')
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text))
  return `${name}-${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
