/** What one request came to, for the operator. Nothing in it is a secret, or a merchant's text. */
export interface RequestLogEntry {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly requestId: string
  readonly operation: string
  readonly caller?: string
  readonly status: number
  readonly ms: number
  readonly code?: string
  /** Of a failure: its name, its message, and those of its causes. */
  readonly error?: readonly string[]
}

export type RequestLog = (entry: RequestLogEntry) => void

/** One line of JSON for each request, on the standard output. */
export function writeJsonLog(entry: RequestLogEntry): void {
  process.stdout.write(`${JSON.stringify(entry)}\n`)
}

/** Causes that are followed: a chain is no longer, unless it is a circle. */
const MAX_CAUSES = 5

/** A failure as its log has it. */
export function describeError(thrown: unknown): readonly string[] {
  const lines: string[] = []
  let next: unknown = thrown
  while (next !== undefined && lines.length < MAX_CAUSES) {
    lines.push(next instanceof Error ? `${next.name}: ${next.message}` : typeof next)
    next = next instanceof Error ? next.cause : undefined
  }
  return lines
}
