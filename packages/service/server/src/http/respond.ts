import { BursarError } from '@bursar/core'
import type { Invocation, Operation } from '../api/operation.ts'
import { MAX_UNREAD_MS } from '../api/service-limits.ts'

/**
 * Carries an operation out, and answers with its result. `done` is called when nothing is under way
 * any more: for lines, when the last one was sent or the peer hung up.
 */
export async function respond(
  operation: Operation,
  invocation: Invocation,
  runningExclusive: Set<string>,
  done: () => void,
): Promise<Response> {
  const { name, mediaType, status, isExclusive } = operation
  const isLines = mediaType === 'application/jsonl'
  // Lines are sent once at a time to each caller: a stream lasts as long as its reader likes.
  const place = isLines ? `${name} ${invocation.caller.id}` : isExclusive ? name : undefined
  if (place !== undefined && runningExclusive.has(place)) {
    throw new BursarError('overloaded', `${name} is under way already.`)
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
    const lines = streamLines(result as AsyncIterable<string>, end)
    return new Response(lines, { status, headers: { 'content-type': mediaType } })
  } finally {
    if (!isStreamed) end()
  }
}

/** Lines as they are asked for: what nobody reads is not read from the ledger, and is ended after a while. */
function streamLines(lines: AsyncIterable<string>, end: () => void): ReadableStream<Uint8Array> {
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
            controller.error(new Error('The lines were ended: nobody reads them.'))
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
