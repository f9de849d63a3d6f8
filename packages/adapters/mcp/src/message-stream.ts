import { EventSourceParserStream } from 'eventsource-parser/stream'
import { asMcpFields, type McpMessage } from './mcp-message.ts'

/** A function that passes a message to the client. */
export type Emit = (message: McpMessage) => void

/**
 * The longest event of a stream, and the longest body without one: the guard's bound for a tool's
 * content.
 */
const MAX_MESSAGE_CHARACTERS = 5_242_880

/** Reads the messages of an HTTP response, from its event stream or from its JSON body. */
export async function* readMessages(response: Response): AsyncGenerator<McpMessage, void> {
  if (!response.body) return
  const type = response.headers.get('content-type') ?? ''
  const text = response.body.pipeThrough(new TextDecoderStream() as TextDecoding)
  if (!/^text\/event-stream\b/i.test(type)) return yield* parseMessages(await readStreamText(text))
  const events = text.pipeThrough(
    new EventSourceParserStream({ maxBufferSize: MAX_MESSAGE_CHARACTERS, onError: 'terminate' }),
  )
  for await (const { data } of events) yield* parseMessages(data)
}

// The declarations of streams do not match `Uint8Array` with `BufferSource`.
type TextDecoding = ReadableWritablePair<string, Uint8Array<ArrayBuffer>>

/** Reads a text to its end. Returns an empty text if it is longer than a message may be. */
async function readStreamText(text: ReadableStream<string>): Promise<string> {
  let whole = ''
  for await (const chunk of text) {
    whole += chunk
    if (whole.length > MAX_MESSAGE_CHARACTERS) return ''
  }
  return whole
}

/** Parses a message or a batch of messages. Ignores anything that is not JSON. */
function* parseMessages(text: string): Generator<McpMessage, void> {
  try {
    const parsed: unknown = JSON.parse(text)
    for (const one of Array.isArray(parsed) ? parsed : [parsed]) if (asMcpFields(one)) yield one
  } catch {
    return
  }
}

/** The most messages that wait for a client that does not read. Later messages are dropped. */
const MAX_WAITING = 1_000

/**
 * Makes a response that streams the messages that `work` emits, and ends when `work` ends. `work`
 * goes on if the client stops reading, so that the answer to a paid call is read to its end.
 */
export function streamMessages(
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
