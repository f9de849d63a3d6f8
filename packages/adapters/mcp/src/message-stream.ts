import { EventSourceParserStream } from 'eventsource-parser/stream'
import { fieldsOf, type McpMessage } from './mcp-message.ts'

/** Hands a message to the client. */
export type Emit = (message: McpMessage) => void

/** Longest event, or answer that is no stream: as much as the guard reads of what a tool delivers. */
const MAX_MESSAGE_CHARACTERS = 5_242_880

/** The messages of a response over HTTP: of its stream, or the one that it is. */
export async function* messagesOf(response: Response): AsyncGenerator<McpMessage, void> {
  if (!response.body) return
  const type = response.headers.get('content-type') ?? ''
  const text = response.body.pipeThrough(new TextDecoderStream() as TextDecoding)
  if (!/^text\/event-stream\b/i.test(type)) return yield* messagesIn(await wholeText(text))
  const events = text.pipeThrough(
    new EventSourceParserStream({ maxBufferSize: MAX_MESSAGE_CHARACTERS, onError: 'terminate' }),
  )
  for await (const { data } of events) yield* messagesIn(data)
}

/** The types of streams do not know that these are the same bytes. */
type TextDecoding = ReadableWritablePair<string, Uint8Array<ArrayBuffer>>

async function wholeText(text: ReadableStream<string>): Promise<string> {
  let whole = ''
  for await (const chunk of text) {
    whole += chunk
    if (whole.length > MAX_MESSAGE_CHARACTERS) return ''
  }
  return whole
}

/** What is no JSON is no message. */
function* messagesIn(text: string): Generator<McpMessage, void> {
  try {
    const parsed: unknown = JSON.parse(text)
    for (const one of Array.isArray(parsed) ? parsed : [parsed]) if (fieldsOf(one)) yield one
  } catch {
    return
  }
}

/** Messages that wait for a client that does not read; what comes after them is dropped. */
const MAX_WAITING = 1_000

/**
 * A response that streams what `work` emits, and ends with it. Who stops reading stops nothing: a
 * call that was paid is heard to its end.
 */
export function streamed(
  { status, headers }: Response,
  work: (emit: Emit) => Promise<void>,
): Response {
  let isRead = true
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const emit = (message: McpMessage): void => {
        if (!isRead || (controller.desiredSize ?? 0) < -MAX_WAITING) return
        const event = `event: message\ndata: ${JSON.stringify(message)}\n\n`
        controller.enqueue(new TextEncoder().encode(event))
      }
      void work(emit).then(
        () => isRead && controller.close(),
        (error: unknown) => isRead && controller.error(error),
      )
    },
    cancel: () => {
      isRead = false
    },
  })
  const kept = new Headers(headers)
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding']) kept.delete(name)
  kept.set('content-type', 'text/event-stream')
  return new Response(stream, { status, headers: kept })
}
