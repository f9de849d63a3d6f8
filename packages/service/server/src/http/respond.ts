import { BursarError } from '@bursar/core'
import type { Invocation, Operation } from '../api/operation.ts'
import { MAX_UNREAD_MS } from '../api/service-limits.ts'

/**
 * Runs an operation and returns the response with its result. Calls `done` when the operation has
 * ended: for a stream of lines after the last line, or when the peer hangs up.
 *
 * Throws `overloaded` if the operation runs once at a time and is in flight.
 */
export async function respond(
  operation: Operation,
  invocation: Invocation,
  runningExclusive: Set<string>,
  done: () => void,
): Promise<Response> {
  const { name, mediaType, status, isExclusive } = operation
  const isLines = mediaType === 'application/jsonl'
  // A stream lasts as long as its reader likes, so each caller gets one at a time.
  const place = isLines ? `${name} ${invocation.caller.id}` : isExclusive ? name : undefined
  if (place !== undefined && runningExclusive.has(place)) {
    throw new BursarError(
      'overloaded',
      `${name} is in flight already. Try again when it has ended.`,
    )
  }
  if (place !== undefined) runningExclusive.add(place)
  const end = (): void => {
    if (place !== undefined) runningExclusive.delete(place)
    done()
  }
  let isStreamed = false
  try {
    const result = await operation.handle(invocation)
    if (!isLines) return Response.json(result, { status })
    isStreamed = true
    const lines = respondWithLines(result as AsyncIterable<string>, end)
    return new Response(lines, { status, headers: { 'content-type': mediaType } })
  } finally {
    if (!isStreamed) end()
  }
}

/**
 * Streams lines as fast as the peer reads them. The ledger is read on demand, and a stream whose
 * reader stops for `MAX_UNREAD_MS` ends with an error.
 */
function respondWithLines(
  lines: AsyncIterable<string>,
  end: () => void,
): ReadableStream<Uint8Array> {
  const iterator = lines[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let unread: NodeJS.Timeout | undefined
  const stop = async (): Promise<void> => {
    clearTimeout(unread)
    end()
    await iterator.return?.()
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(unread)
      try {
        const { done, value } = await iterator.next()
        if (!done) {
          controller.enqueue(encoder.encode(value))
          unread = setTimeout(() => {
            controller.error(new Error('The stream was ended: its reader stopped.'))
            void stop().catch(() => {})
          }, MAX_UNREAD_MS).unref()
          return
        }
        end()
        controller.close()
      } catch (error) {
        end()
        controller.error(error)
      }
    },
    cancel: stop,
  })
}
