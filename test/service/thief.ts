import type { Deeds, Loot } from './loot.ts'

/** The ways in which a request can pretend to be another caller's. */
export interface Guise {
  readonly key?: string | undefined
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

/** A client that sends any request and ignores errors. */
export interface Thief {
  readonly loot: Loot
  send(method: string, path: string, body?: unknown, guise?: Guise): Promise<unknown>
  /** Notes that a path of the description was tried with a method. */
  note(method: string, path: string): void
  deeds(): Deeds
}

/** The number of concurrent requests: a caller may have a hundred. */
const AT_ONCE = 60

export function thief(loot: Loot): Thief {
  const requests: Record<string, number> = {}
  const routes = new Set<string>()
  return {
    loot,
    async send(method, path, body, guise = { key: loot.key, token: loot.token }) {
      const { status, answer } = await request(loot.url + path, method, body, guise)
      requests[status] = (requests[status] ?? 0) + 1
      return answer
    },
    note: (method, path) => void routes.add(`${method} ${path}`),
    deeds: () => ({ requests, routes: [...routes] }),
  }
}

async function request(url: string, method: string, body: unknown, guise: Guise) {
  const { key, token, headers = {} } = guise
  try {
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(token === undefined ? {} : { 'bursar-session': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, answer: /^[[{]/.test(text) ? JSON.parse(text) : text }
  } catch {
    return { status: 0, answer: undefined }
  }
}

/** Runs all attacks, some at the same time, and ignores their errors. */
export async function all(works: readonly (() => Promise<unknown>)[]): Promise<void> {
  const left = [...works]
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) await next().catch(() => {})
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}
