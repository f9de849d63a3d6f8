/** The log entry of one request, for the operator. It holds no secret and no text of a merchant. */
export interface RequestLogEntry {
  /** The time of the response, in ISO 8601 and UTC. */
  readonly at: string
  /** The id of the request, which the response has as well. */
  readonly requestId: string
  /** The name of the operation; `none` for an unknown path or method. */
  readonly operation: string
  /** The id of the caller; undefined if the request was not authenticated. */
  readonly caller?: string
  /** The HTTP status of the response. */
  readonly status: number
  /** The time from the request to its response, in milliseconds. */
  readonly ms: number
  /** The code of the problem; undefined for a success. */
  readonly code?: string
  /** The name and message of a failure, followed by those of its causes. */
  readonly error?: readonly string[]
}

/** A function that is called once for each response. */
export type RequestLog = (entry: RequestLogEntry) => void

/** Writes a log entry to the standard output, as one line of JSON. */
export function writeJsonLog(entry: RequestLogEntry): void {
  process.stdout.write(`${JSON.stringify(entry)}\n`)
}

/** The most causes that are followed. A longer chain is likely a cycle. */
const MAX_CAUSES = 5

/** Describes a thrown value and its causes, one line each. */
export function describeLoggedError(thrown: unknown): readonly string[] {
  const lines: string[] = []
  let next: unknown = thrown
  while (next !== undefined && lines.length < MAX_CAUSES) {
    lines.push(next instanceof Error ? `${next.name}: ${next.message}` : typeof next)
    next = next instanceof Error ? next.cause : undefined
  }
  return lines
}
