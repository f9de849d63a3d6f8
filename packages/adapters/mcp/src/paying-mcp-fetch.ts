import { findSession, type PaymentSession, withoutSession } from '@bursar/core/session'
import {
  asMcpFields,
  isMcpAnswer,
  isPaymentChallengeMessage,
  type McpId,
  type McpMessage,
  type McpToolCall,
  parseMcpCancelledId,
  parseMcpToolCall,
  removeMcpReceipts,
} from './mcp-message.ts'
import { type Emit, readMessages, streamMessages } from './message-stream.ts'
import {
  assertPayerOfCall,
  createStructuredPaidTools,
  payForCall,
  reportPaidResult,
} from './paid-call.ts'

/** The options of `payingMcpFetch`. */
export interface PayingMcpFetchOptions<Context = unknown> {
  /**
   * The session that pays, or a function that finds it in the third argument of the client's
   * `fetch`, which is the request context in Mastra. For any value but a `PaymentSession` the call
   * is denied.
   */
  readonly session:
    | PaymentSession
    | ((context: Context) => PaymentSession | undefined | Promise<PaymentSession | undefined>)
  /** The server's host, as you name it. See `PayingTransportOptions`. */
  readonly server: string
}

/** A `fetch` with the request context that Mastra adds as a third argument. */
export type PayingMcpFetch<Context = unknown> = (
  url: string | URL,
  init?: RequestInit,
  context?: Context,
) => Promise<Response>

/**
 * Makes a `fetch` that pays for calls of paid tools over HTTP. Give it to a client that makes its
 * own transport, such as Mastra's. Use `payingTransport` for a client that takes a transport.
 *
 * Throws `invalid_input` if `session` is neither a `PaymentSession` nor a function, or if `server`
 * is empty.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core'
 * import { payingMcpFetch } from '@bursar/mcp'
 * import { MCPClient } from '@mastra/mcp'
 *
 * declare const session: PaymentSession
 *
 * const url = new URL('https://tools.example.com/mcp')
 * const fetch = payingMcpFetch({ session, server: 'tools.example.com' })
 * const client = new MCPClient({ servers: { tools: { url, fetch } } })
 * ```
 */
export function payingMcpFetch<Context = unknown>(
  options: PayingMcpFetchOptions<Context>,
): PayingMcpFetch<Context> {
  const { session, server } = options
  assertPayerOfCall(source, server, session)
  const tools = createStructuredPaidTools()
  const cancellations = createFetchCancellations()
  return async (url, init, context) => {
    const message = parseMcpFetchBody(init?.body)
    cancellations.cancel(init, parseMcpCancelledId(message))
    const call = parseMcpToolCall(message)
    if (!call && asMcpFields(message)?.method !== 'tools/list') return fetch(url, init)
    const stop = call ? cancellations.keep(init, call.id) : undefined
    const response = await fetch(url, init)
    if (!response.ok || !response.body) return response
    const pay = async (paid: McpToolCall, challenge: McpMessage, emit: Emit) => {
      const payer = await findSession(session, context as Context, source)
      if (!payer) return reportPaidResult({ tools }, paid, withoutSession())
      const send = (provenCall: McpToolCall) => sendPaymentByFetch(url, init, provenCall, emit)
      const signals = [stop, init?.signal].filter((one) => one instanceof AbortSignal)
      const one = { call: paid, challenge, signal: AbortSignal.any(signals), send }
      return payForCall({ source, session: payer, server, tools }, one)
    }
    return streamMessages(response, async (emit) => {
      for await (const one of readMessages(response)) {
        if (!isMcpAnswer(one)) emit(one)
        else {
          tools.learn(one)
          const isChallenge = call?.id === one.id && isPaymentChallengeMessage(one)
          emit(isChallenge ? await pay(call, one, emit) : removeMcpReceipts(one))
          return
        }
      }
    })
  }
}

const source = 'payingMcpFetch'

/**
 * The most calls that can be cancelled at the same time. The oldest of them can no longer be
 * stopped.
 */
const MAX_CALLS = 1_000

/** The calls that a cancellation can stop. A client cancels a call by another request. */
interface Cancellations {
  keep(init: RequestInit | undefined, id: McpId): AbortSignal
  cancel(init: RequestInit | undefined, id: McpId | undefined): void
}

function createFetchCancellations(): Cancellations {
  const kept = new Map<string, AbortController>()
  // An id is unique within a connection, and one `fetch` may serve several connections.
  const makeKey = (init: RequestInit | undefined, id: McpId) =>
    JSON.stringify([new Headers(init?.headers).get('mcp-session-id'), id])
  return {
    keep: (init, id) => {
      const stop = new AbortController()
      kept.set(makeKey(init, id), stop)
      if (kept.size > MAX_CALLS) kept.delete(`${kept.keys().next().value}`)
      return stop.signal
    },
    cancel: (init, id) => {
      if (id !== undefined) kept.get(makeKey(init, id))?.abort()
    },
  }
}

function parseMcpFetchBody(body: unknown): unknown {
  if (typeof body !== 'string') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/**
 * Sends the call with its proof and returns the answer. Returns undefined if the response holds
 * none.
 *
 * The call has a new id and no signal, so that the client cannot cancel a payment that is on its
 * way. It follows no redirect, which would send the proof elsewhere.
 */
async function sendPaymentByFetch(
  url: string | URL,
  init: RequestInit | undefined,
  provenCall: McpToolCall,
  emit: Emit,
): Promise<McpMessage | undefined> {
  const id = `bursar-${crypto.randomUUID()}`
  const { signal, ...kept } = init ?? {}
  const body = JSON.stringify({ ...provenCall, id })
  const response = await fetch(url, { ...kept, body, redirect: 'manual' })
  for await (const message of readMessages(response)) {
    if (isMcpAnswer(message) && message.id === id) return message
    if (!isMcpAnswer(message)) emit(message)
  }
  return undefined
}
