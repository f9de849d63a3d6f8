/**
 * Returns an id for a tool call in a framework that has none, such as a workflow, made from the request
 * itself. A retry of a step gets the id of its first try; other inputs get other ids.
 *
 * @example
 * ```ts
 * const id = await requestId('buy-report', { url: 'https://api.example.com/report' })
 * await session.pay({ url: 'https://api.example.com/report' }, { conversation: 'run-7', id })
 * ```
 */
export async function requestId(name: string, input: unknown): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify(input) ?? '')
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', text))
  return `${name}-${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
