/**
 * What stands for a tool call's id where a framework has none, as in a workflow: the request itself.
 * A step that is tried again asks for the same; one that is run for each of many asks for others.
 */
export async function requestId(name: string, input: unknown): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(input) ?? '')
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text))
  return `${name}-${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
