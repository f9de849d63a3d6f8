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
import {
  type Endpoint,
  type EndpointOptions,
  endpointInputError,
  parseEndpoint,
} from './endpoint.ts'
import { exchange } from './exchange.ts'
import {
  openedChild,
  payResult,
  proveResult,
  quoteResult,
  sessionStatus,
  sessionToken,
} from './pay-answer.ts'
import { callService, makeCallHeaders, makeCallPath, readCallAnswer } from './service-call.ts'
import type { Shape } from './shape.ts'

/** The options of `connect`. The key and the token work only together. */
export interface ConnectOptions extends EndpointOptions {
  /** The token of one session, which is bound to the key's caller. */
  readonly token: string
}

/** The most names of ignored arguments that the service records. */
const MAX_IGNORED = 100

/** The most characters of such a name. */
const MAX_IGNORED_LENGTH = 1_000

/**
 * Connects a payment session whose guard runs in the service. Every adapter takes it as it takes an
 * embedded session. Sends nothing before its first use. Throws `invalid_input` with the name of the
 * unusable field.
 *
 * The session's calls throw the codes of the service, `service_unreachable`, and
 * `service_answer_invalid`. `pay` and `prove` throw `outcome_unknown` if no answer came: the call
 * may have been paid or signed, and is not sent again. With a `conversation` and an `id` you can
 * repeat the call, and it is paid once.
 *
 * @example
 * ```ts
 * import { connect } from '@bursar/client'
 *
 * declare const key: string
 * declare const token: string
 *
 * const session = connect({ url: 'https://guard.example.com', key, token })
 * const result = await session.pay({ url: 'https://api.example.com/quote', purpose: 'a report' })
 * ```
 */
export function connect(options: ConnectOptions): PaymentSession {
  return openConnectedSession(parseEndpoint(options, 'connect'), options.token)
}

function openConnectedSession(endpoint: Endpoint, token: string): PaymentSession {
  const id = sessionToken.exec(String(token))?.[1]
  if (id === undefined) throw endpointInputError('connect: token: must be the token of a session.')
  const headers = { ...endpoint.headers, 'bursar-session': token }
  return new PaymentSession(id, createConnectedPort({ ...endpoint, headers }, id))
}

function createConnectedPort(endpoint: Endpoint, id: string): SessionPort {
  const ownStatusShape: Shape<ReturnType<typeof sessionStatus>> = (value) => {
    const status = sessionStatus(value)
    return sessionStatus({ ...status, id: status.id === id ? id : undefined })
  }
  return {
    pay: (request, call) => sendConnectedCall(endpoint, 'pay', payResult, { request }, call),
    quote: (request, call) => sendConnectedCall(endpoint, 'quote', quoteResult, { request }, call),
    prove: (challenge, call) =>
      sendConnectedCall(endpoint, 'prove', proveResult, { challenge }, call),
    conclude: (payment, message) =>
      callService(endpoint, payResult, {
        method: 'POST',
        path: makeCallPath(['session', 'payments', payment, 'conclude']),
        body: { message: omitUnreadableBody(message) },
      }),
    status: () => callService(endpoint, ownStatusShape, { method: 'GET', path: '/v1/session' }),
    close: async () => {
      await callService(endpoint, ownStatusShape, { method: 'POST', path: '/v1/session/close' })
    },
    openChild: async (input, { idempotencyKey } = {}) => {
      const child = await callService(endpoint, openedChild, {
        method: 'POST',
        path: '/v1/session/children',
        body: input ?? {},
        headers: makeCallHeaders(idempotencyKey),
      })
      return { session: openConnectedSession(endpoint, child.token), token: child.token }
    },
  }
}

/** The longest answer of a tool that the guard reads. */
const MAX_ANSWER_BYTES = 5_242_880

/**
 * Returns undefined for a message that the guard would not read: it treats such an answer as lost.
 */
function omitUnreadableBody(message: unknown): unknown {
  try {
    const text = JSON.stringify(message) ?? ''
    return new TextEncoder().encode(text).length > MAX_ANSWER_BYTES ? undefined : message
  } catch {
    return undefined
  }
}

async function sendConnectedCall<Result extends PayResult | QuoteResult | ProveResult>(
  endpoint: Endpoint,
  operation: 'pay' | 'quote' | 'prove',
  shape: Shape<Result>,
  subject: { readonly request: PayRequest } | { readonly challenge: ToolChallenge },
  call: Call,
): Promise<Result | PayResult> {
  const { signal, ...origin } = checkConnectedCall(call, operation)
  const body = encodeConnectedBody(subject, origin)
  if (body === undefined) return denyConnectedRequest('the request cannot be written as JSON')
  // The service pays once for a call with a conversation and an id, and never for a quote.
  const isRepeatable = operation === 'quote' || Boolean(origin.conversation && origin.id)
  try {
    const path = `/v1/session/${operation}`
    const result = await exchange(endpoint, { method: 'POST', path, body, isRepeatable, signal })
    if (result.outcome === 'answered') return readCallAnswer(shape, result.body)
    if (result.outcome === 'stopped' || (operation === 'quote' && signal?.aborted)) {
      return stoppedResult
    }
    if (operation === 'quote') {
      throw new BursarError(
        'service_unreachable',
        'The service did not answer. Try again later.',
        result,
      )
    }
    const message = 'The service did not answer. Whether anything was paid is not known here.'
    throw new BursarError('outcome_unknown', message, result)
  } catch (error) {
    // A model made the request, so the fault is a result that the model reads.
    const isTooLarge = BursarError.isInstance(error) && error.code === 'body_too_large'
    if (isTooLarge) return denyConnectedRequest('the request is too large')
    throw error
  }
}

const stoppedResult: PayResult = {
  status: 'failed',
  message: 'The call was stopped before anything was paid.',
}

function denyConnectedRequest(problem: string): PayResult {
  const message = `This request cannot be paid: ${problem}.`
  return { status: 'denied', code: 'request_not_allowed', message }
}

/**
 * Checks the origin of a call and shortens it for the service. Throws `invalid_input` for a
 * malformed one.
 */
function checkConnectedCall(
  call: Call,
  operation: string,
): Pick<Call, 'conversation' | 'id' | 'ignored' | 'signal'> {
  const { conversation, id, ignored, signal } = call
  for (const [name, value] of Object.entries({ conversation, id })) {
    if (value !== undefined && typeof value !== 'string') {
      throw endpointInputError(`${operation}: call.${name}: must be a text.`)
    }
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw endpointInputError(`${operation}: call.signal: must be an AbortSignal.`)
  }
  const names = ignored?.slice(0, MAX_IGNORED).map((one) => one.slice(0, MAX_IGNORED_LENGTH))
  return { conversation, id, signal, ignored: names }
}

/** Encodes the body of a call. Returns undefined if JSON cannot express it. */
function encodeConnectedBody(subject: object, call: object): string | undefined {
  const fields = Object.entries(subject).map(([name, one]) => {
    const isObject = typeof one === 'object' && one !== null && !Array.isArray(one)
    return [name, isObject ? one : {}]
  })
  try {
    return JSON.stringify({ ...Object.fromEntries(fields), call })
  } catch {
    return undefined
  }
}
