/** Sends something to the server. Throws an error with what the server says is wrong. */
export async function post(path: string, body: object = {}): Promise<void> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (response.ok) return
  const { problem } = (await response.json().catch(() => ({}))) as { readonly problem?: string }
  throw new Error(problem ?? `The server answered ${response.status}.`)
}
