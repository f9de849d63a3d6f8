import {
  BursarError,
  type Call,
  PaymentSession,
  type PayRequest,
  type PayResult,
  type ProveResult,
  type QuoteResult,
  type SessionPort,
  type ToolChallenge,
} from '@bursar/core/session'
import { type Endpoint, type EndpointOptions, endpointOf, invalid } from './endpoint.ts'
import { exchange } from './exchange.ts'
import {
  openedChild,
  payResult,
  proveResult,
  quoteResult,
  sessionStatus,
  sessionToken,
} from './pay-answer.ts'
import { callService, onceHeader, pathOf, readAnswer } from './service-call.ts'
import type { Shape } from './shape.ts'

/** What an agent's process has: the two halves that are of no use without each other. */
export interface ConnectOptions extends EndpointOptions {
  /** The token of one session, bound to the caller that `key` names. */
  readonly token: string
}

/** Names of arguments that the service takes to record, and their length. */
const MAX_IGNORED = 100
const MAX_IGNORED_LENGTH = 1_000

/**
 * A payment session whose guard runs elsewhere: the same object as the embedded one, for every
 * adapter. Nothing is sent until it is used. Throws `invalid_input` with the field.
 *
 * Its calls throw, besides the codes of the service, `service_unreachable`,
 * `service_answer_invalid`, and of `pay` and `prove` `outcome_unknown`: it may have been paid, or
 * signed, and was not sent again. With a `conversation` and an `id` the same call can be asked
 * again, and is paid once.
 *
 * @example
 * const session = connect({ url: 'https://guard.example.com', key, token })
 * const tools = paymentTools({ session, conversation: chat.id })
 */
export function connect(options: ConnectOptions): PaymentSession {
  return sessionAt(endpointOf(options, 'connect'), options.token)
}

function sessionAt(endpoint: Endpoint, token: string): PaymentSession {
  const id = sessionToken.exec(String(token))?.[1]
  if (id === undefined) throw invalid('connect: token: must be the token of a session.')
  const headers = { ...endpoint.headers, 'bursar-session': token }
  return new PaymentSession(id, portOf({ ...endpoint, headers }, id))
}

function portOf(endpoint: Endpoint, id: string): SessionPort {
  const ownStatus: Shape<ReturnType<typeof sessionStatus>> = (value) => {
    const status = sessionStatus(value)
    return sessionStatus({ ...status, id: status.id === id ? id : undefined })
  }
  return {
    pay: (request, call) => ask(endpoint, 'pay', payResult, { request }, call),
    quote: (request, call) => ask(endpoint, 'quote', quoteResult, { request }, call),
    prove: (challenge, call) => ask(endpoint, 'prove', proveResult, { challenge }, call),
    conclude: (payment, message) =>
      callService(endpoint, payResult, {
        method: 'POST',
        path: pathOf(['session', 'payments', payment, 'conclude']),
        body: { message: readable(message) },
      }),
    status: () => callService(endpoint, ownStatus, { method: 'GET', path: '/v1/session' }),
    close: async () => {
      await callService(endpoint, ownStatus, { method: 'POST', path: '/v1/session/close' })
    },
    openChild: async (input, { idempotencyKey } = {}) => {
      const child = await callService(endpoint, openedChild, {
        method: 'POST',
        path: '/v1/session/children',
        body: input ?? {},
        headers: onceHeader(idempotencyKey),
      })
      return { session: sessionAt(endpoint, child.token), token: child.token }
    },
  }
}

/** Longest answer of a tool that the guard looks at. */
const MAX_ANSWER_BYTES = 5_242_880

/** What the guard would not read is to it as if no answer had come: so it is not sent either. */
function readable(message: unknown): unknown {
  try {
    const text = JSON.stringify(message) ?? ''
    return new TextEncoder().encode(text).length > MAX_ANSWER_BYTES ? undefined : message
  } catch {
    return undefined
  }
}

async function ask<Result extends PayResult | QuoteResult | ProveResult>(
  endpoint: Endpoint,
  what: 'pay' | 'quote' | 'prove',
  shape: Shape<Result>,
  asked: { readonly request: PayRequest } | { readonly challenge: ToolChallenge },
  call: Call,
): Promise<Result | PayResult> {
  const { signal, ...origin } = callOf(call, what)
  const body = bodyOf(asked, origin)
  if (body === undefined) return notAllowed('the request cannot be written as JSON')
  // Of a call with a key the service makes one payment, and a quote pays nothing.
  const isRepeatable = what === 'quote' || Boolean(origin.conversation && origin.id)
  try {
    const path = `/v1/session/${what}`
    const result = await exchange(endpoint, { method: 'POST', path, body, isRepeatable, signal })
    if (result.outcome === 'answered') return readAnswer(shape, result.body)
    if (result.outcome === 'stopped' || (what === 'quote' && signal?.aborted)) return stopped
    if (what === 'quote') {
      throw new BursarError('service_unreachable', 'The service did not answer.', result)
    }
    const message = 'The service did not answer: whether anything was paid is not known here.'
    throw new BursarError('outcome_unknown', message, result)
  } catch (error) {
    // A model has made the request: it is told what is wrong with it, as the guard would tell it.
    const isTooLarge = BursarError.isInstance(error) && error.code === 'body_too_large'
    if (isTooLarge) return notAllowed('the request is too large')
    throw error
  }
}

const stopped: PayResult = {
  status: 'failed',
  message: 'The call was stopped before anything was paid.',
}

function notAllowed(problem: string): PayResult {
  const message = `This request cannot be paid: ${problem}.`
  return { status: 'denied', code: 'request_not_allowed', message }
}

/** Where a call comes from, as the service takes it. Throws `invalid_input`. */
function callOf(
  call: Call,
  what: string,
): Pick<Call, 'conversation' | 'id' | 'ignored' | 'signal'> {
  const { conversation, id, ignored, signal } = call
  for (const [name, value] of Object.entries({ conversation, id })) {
    if (value !== undefined && typeof value !== 'string') {
      throw invalid(`${what}: call.${name}: must be a text.`)
    }
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalid(`${what}: call.signal: must be a signal.`)
  }
  const names = ignored?.slice(0, MAX_IGNORED).map((one) => one.slice(0, MAX_IGNORED_LENGTH))
  return { conversation, id, signal, ignored: names }
}

/** What is asked as the service takes it; `undefined` if it is nothing that JSON can say. */
function bodyOf(asked: object, call: object): string | undefined {
  const given = Object.entries(asked).map(([name, one]) => {
    const isObject = typeof one === 'object' && one !== null && !Array.isArray(one)
    return [name, isObject ? one : {}]
  })
  try {
    return JSON.stringify({ ...Object.fromEntries(given), call })
  } catch {
    return undefined
  }
}
