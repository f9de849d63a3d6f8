import { BursarError } from '@bursar/core'
import type { Invocation, Operation } from './operation.ts'

/**
 * Carries an operation out, and answers with its result. `done` is called when nothing is under way
 * any more: for lines, when the last one was sent or the peer hung up.
 */
export async function answer(
  operation: Operation,
  invocation: Invocation,
  alone: Set<string>,
  done: () => void,
): Promise<Response> {
  const { name, mediaType, status, isAlone } = operation
  if (isAlone && alone.has(name)) {
    throw new BursarError('overloaded', `${name} is under way already.`)
  }
  if (isAlone) alone.add(name)
  const end = (): void => {
    alone.delete(name)
    done()
  }
  let isStreamed = false
  try {
    const result = await operation.handle(invocation)
    if (mediaType !== 'application/jsonl') return Response.json(result, { status })
    isStreamed = true
    const lines = streamOf(result as AsyncIterable<string>, end)
    return new Response(lines, { status, headers: { 'content-type': mediaType } })
  } finally {
    if (!isStreamed) end()
  }
}

/** Lines as they are asked for: what nobody reads is not read from the ledger. */
function streamOf(lines: AsyncIterable<string>, end: () => void): ReadableStream<Uint8Array> {
  const iterator = lines[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await iterator.next()
        if (!done) return controller.enqueue(encoder.encode(value))
        end()
        controller.close()
      } catch (error) {
        end()
        controller.error(error)
      }
    },
    async cancel() {
      end()
      await iterator.return?.()
    },
  })
}
