import { findSession, type PaymentSession, withoutSession } from '@bursar/core/session'
import {
  asksForPayment,
  cancelledId,
  fieldsOf,
  isAnswer,
  type McpId,
  type McpMessage,
  type McpToolCall,
  toolCallIn,
  withoutReceipts,
} from './mcp-message.ts'
import { type Emit, messagesOf, streamed } from './message-stream.ts'
import { assertPayer, paidAnswer, told, toolsWithOutput } from './paid-call.ts'

/** What `payingMcpFetch` takes. */
export interface PayingMcpFetchOptions<Context = unknown> {
  /**
   * The session that pays, or the function that finds it in what the client hands to its `fetch` with
   * each call: the request context of Mastra. Only a `PaymentSession` counts.
   */
  readonly session:
    | PaymentSession
    | ((context: Context) => PaymentSession | undefined | Promise<PaymentSession | undefined>)
  /** The server, as you name it: see `PayingTransportOptions`. */
  readonly server: string
}

/** A `fetch`, with what Mastra hands to it besides. */
export type PayingMcpFetch<Context = unknown> = (
  url: string | URL,
  init?: RequestInit,
  context?: Context,
) => Promise<Response>

/**
 * The same as `payingTransport`, for clients that make their transport themselves and take a `fetch`,
 * such as Mastra's: it pays for calls of paid tools over HTTP.
 *
 * Throws `invalid_input` for what is no `PaymentSession`, and for a server without a name.
 *
 * @example
 * const fetch = payingMcpFetch({ session, server: 'tools.example.com' })
 * const mcp = new MCPClient({ servers: { tools: { url, fetch } } })
 */
export function payingMcpFetch<Context = unknown>(
  options: PayingMcpFetchOptions<Context>,
): PayingMcpFetch<Context> {
  const { session, server } = options
  assertPayer(source, server, session)
  const tools = toolsWithOutput()
  const stops = createStops()
  return async (url, init, context) => {
    const message = messageIn(init?.body)
    stops.stop(init, cancelledId(message))
    const call = toolCallIn(message)
    if (!call && fieldsOf(message)?.method !== 'tools/list') return fetch(url, init)
    const stop = call ? stops.keep(init, call.id) : undefined
    const response = await fetch(url, init)
    if (!response.ok || !response.body) return response
    const pay = async (paid: McpToolCall, challenge: McpMessage, emit: Emit) => {
      const payer = await findSession(session, context as Context, source)
      if (!payer) return told({ tools }, paid, withoutSession())
      const send = (proof: McpToolCall) => sentAgain(url, init, proof, emit)
      const signals = [stop, init?.signal].filter((one) => one instanceof AbortSignal)
      const one = { call: paid, challenge, signal: AbortSignal.any(signals), send }
      return paidAnswer({ source, session: payer, server, tools }, one)
    }
    return streamed(response, async (emit) => {
      for await (const one of messagesOf(response)) {
        if (!isAnswer(one)) emit(one)
        else {
          tools.see(one)
          const isChallenge = call?.id === one.id && asksForPayment(one)
          emit(isChallenge ? await pay(call, one, emit) : withoutReceipts(one))
          return
        }
      }
    })
  }
}

const source = 'payingMcpFetch'

/** Calls that may be given up at the same time; the oldest of them cannot be stopped any more. */
const MAX_CALLS = 1_000

/** How calls are stopped by a cancellation, which is a request of its own. */
interface Stops {
  keep(init: RequestInit | undefined, id: McpId): AbortSignal
  stop(init: RequestInit | undefined, id: McpId | undefined): void
}

function createStops(): Stops {
  const kept = new Map<string, AbortController>()
  // Ids are those of a connection, and one `fetch` may serve several.
  const nameOf = (init: RequestInit | undefined, id: McpId) =>
    JSON.stringify([new Headers(init?.headers).get('mcp-session-id'), id])
  return {
    keep: (init, id) => {
      const stop = new AbortController()
      kept.set(nameOf(init, id), stop)
      if (kept.size > MAX_CALLS) kept.delete(`${kept.keys().next().value}`)
      return stop.signal
    },
    stop: (init, id) => {
      if (id !== undefined) kept.get(nameOf(init, id))?.abort()
    },
  }
}

function messageIn(body: unknown): unknown {
  if (typeof body !== 'string') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/**
 * Sends the call with its proof, and resolves with its answer. The client's signal does not stop it,
 * its id is another one, so that no cancellation concerns it, and no redirect leads it elsewhere.
 */
async function sentAgain(
  url: string | URL,
  init: RequestInit | undefined,
  proof: McpToolCall,
  emit: Emit,
): Promise<McpMessage | undefined> {
  const id = `bursar-${crypto.randomUUID()}`
  const { signal, ...kept } = init ?? {}
  const body = JSON.stringify({ ...proof, id })
  const response = await fetch(url, { ...kept, body, redirect: 'manual' })
  for await (const message of messagesOf(response)) {
    if (isAnswer(message) && message.id === id) return message
    if (!isAnswer(message)) emit(message)
  }
  return undefined
}
