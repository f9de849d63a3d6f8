import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { warnOperator } from '../primitives/operator-warning.ts'
import { assertPaymentSession, describeGivenSession } from './given-session.ts'
import type { PayResult, PayStep, QuoteResult, WaitingApproval } from './pay-result.ts'
import { PaymentSession } from './payment-session.ts'
import { type ModelResult, toModelResult, withoutGuard, withoutSession } from './tool.ts'
import { toolRequest } from './tool-request.ts'

/** The options of every adapter's `paymentTools`. `Context` is the framework's server-side context. */
export interface ToolCallsOptions<Context = unknown> {
  /**
   * The session to pay within, or a function that finds it for a call in the server-side context.
   *
   * Only a `PaymentSession` counts. For a plain object, a copy, nothing or an error the model hears that it
   * has no session, and the operator hears the reason as a process warning (`BursarWarning`).
   */
  readonly session:
    | PaymentSession
    | ((context: Context) => PaymentSession | undefined | Promise<PaymentSession | undefined>)
  /**
   * The conversation of the calls, or a function that names it in the server-side context. Give one name
   * whenever a history is sent again or a run is resumed: a tool call is then paid once, however often its
   * id comes back.
   */
  readonly conversation?: string | ((context: Context) => string) | undefined
  /**
   * Takes the content of a resource as it came. A model gets text cut to a bound, and of binary content
   * only type and size. The answer waits for this function up to 5 s; its error becomes a process warning.
   * A repeated call may hand its content over again.
   */
  readonly onContent?:
    | ((content: ToolContent, context: Context) => void | Promise<void>)
    | undefined
}

/** The content of a resource for one call. Do not trust it. */
export interface ToolContent {
  /** The id of the tool call, if the framework has one. */
  readonly call?: string
  /** The payment that bought it. Absent if it was free, or is in doubt. */
  readonly payment?: string
  /** The HTTP status of the response. */
  readonly status: number
  /** The `content-type` of the response, or an empty string. */
  readonly type: string
  readonly body: Uint8Array
  /** True if the body was longer than the guard's bound and was cut there. */
  readonly truncated: boolean
}

/** One tool call, as a framework hands it to an adapter. */
export interface ToolCall<Context = unknown> {
  /** The model's arguments, unchecked. */
  readonly input: unknown
  readonly context: Context
  /** The id of the tool call. It must not change when a run is resumed. */
  readonly id?: string | undefined
  /** The framework's own thread or workflow run, used if the application names no conversation. */
  readonly conversation?: string | undefined
  /** Aborts the call until the payment is reserved. After that an abort is ignored. */
  readonly signal?: AbortSignal | undefined
  /**
   * Whether the human has denied the call by the framework's own means: a payment that is not reserved yet
   * is not made. There is no field for an approval by those means, because it does not count.
   */
  readonly declined?: boolean | undefined
  readonly onProgress?: ((step: PayStep) => void) | undefined
}

/** The answer to one tool call. */
export interface ToolAnswer {
  /** The result for the model, and all that the model may see. */
  readonly result: ModelResult
  /**
   * The question that waits if the status is `approval_required`, for a framework that can stop and ask.
   * The answer counts once the end-user facet of the guard has recorded it.
   */
  readonly approval?: WaitingApproval
}

/** The shared half of adapters: it turns a framework's call into the model's result. Never throws. */
export interface ToolCalls<Context = unknown> {
  /** Carries out one call: pays, fetches a free resource, or refuses. */
  pay(call: ToolCall<Context>): Promise<ToolAnswer>
  /**
   * Quotes one call without paying. Returns the question that a human has to answer before the payment.
   *
   * Returns undefined if asking now is of no use: no question is open, the call will be refused, or the
   * quote took longer than 10 s. That is no permission: `pay` decides anew.
   */
  question(call: ToolCall<Context>): Promise<WaitingApproval | undefined>
}

/** The function that an application has called, in every adapter. */
const source = 'paymentTools'

/** The longest time of a check for approval: frameworks wait for it before every call, without an abort. */
const MAX_QUESTION_MS = 10_000

/** The longest time that an answer waits for the application to take its content. */
const MAX_CONTENT_MS = 5_000

/**
 * Joins a framework's tool calls to a payment session.
 *
 * Throws `invalid_input` if `session` is neither a session nor a function, or `conversation` an empty string.
 *
 * @example
 * ```ts
 * const calls = toolCalls({ session, conversation: 'thread-7' })
 * const input = { url: 'https://api.example.com/report', purpose: 'a report' }
 * const { result } = await calls.pay({ input, context: undefined, id: 'call-1' })
 * ```
 */
export function toolCalls<Context = unknown>(
  options: ToolCallsOptions<Context>,
): ToolCalls<Context> {
  const { conversation, session } = options
  if (typeof session !== 'function') assertPaymentSession(source, session)
  if (conversation !== undefined && typeof conversation !== 'function')
    requireToolConversation(conversation, 'is')
  const fetched = createFetchedCall()
  return {
    pay: (call) => payCall(options, fetched, call),
    question: (call) => quoteToolQuestion(options, fetched, call),
  }
}

async function payCall<Context>(
  options: ToolCallsOptions<Context>,
  fetched: Fetched,
  call: ToolCall<Context>,
): Promise<ToolAnswer> {
  const session = await findSession(options.session, call.context, source)
  if (!session) return { result: withoutSession() }
  try {
    const { request, ignored } = toolRequest(call.input)
    const own = sessionCall(options, call)
    const result =
      fetched.take(session, own, call.input) ?? (await session.pay(request, { ...own, ignored }))
    if (call.declined && unpaid.includes(result.status)) return { result: declinedResult }
    await handOverToolContent(options, call, result)
    const modelResult = toModelResult(result)
    return result.status === 'approval_required'
      ? { result: modelResult, approval: result.approval }
      : { result: modelResult }
  } catch (error) {
    warnOfToolCall(`a call failed in session ${session.id}`, error)
    return { result: withoutGuard() }
  }
}

/** Statuses of a declined call that made no payment. */
const unpaid: readonly PayResult['status'][] = ['failed', 'approval_required']

const declinedResult: ModelResult = {
  status: 'denied',
  code: 'approval_denied',
  message: 'The user said no to this payment. Do not try again.',
}

async function quoteToolQuestion<Context>(
  options: ToolCallsOptions<Context>,
  fetched: Fetched,
  call: ToolCall<Context>,
): Promise<WaitingApproval | undefined> {
  const late = new AbortController()
  const signal = call.signal ? AbortSignal.any([call.signal, late.signal]) : late.signal
  const quoting = quoteCall(options, fetched, { ...call, signal })
  try {
    const quoted = await withinDeadline(quoting, MAX_QUESTION_MS)
    return quoted?.status === 'approval_required' ? quoted.approval : undefined
  } catch (error) {
    warnOfToolCall('a call could not be quoted', error)
    return undefined
  } finally {
    late.abort()
  }
}

async function quoteCall<Context>(
  options: ToolCallsOptions<Context>,
  fetched: Fetched,
  call: ToolCall<Context>,
): Promise<QuoteResult | undefined> {
  const session = await findSession(options.session, call.context, source)
  if (!session) return undefined
  const { request, ignored } = toolRequest(call.input)
  const own = sessionCall(options, call)
  const quoted = await session.quote(request, { ...own, ignored })
  if (quoted.status === 'free') fetched.keep(session, own, call.input, quoted)
  return quoted
}

/** The free responses that quotes have fetched. The call that follows takes its response from here. */
interface Fetched {
  keep(session: PaymentSession, call: OwnCall, input: unknown, result: PayResult): void
  take(session: PaymentSession, call: OwnCall, input: unknown): PayResult | undefined
}

/** The time for which a fetched response is kept for its call. */
const FETCHED_LIFE_MS = 60_000

/** The most responses that are kept at the same time. Dropped ones are fetched again. */
const MAX_FETCHED = 20

function createFetchedCall(): Fetched {
  const kept = new Map<string, { readonly result: PayResult; readonly until: number }>()
  const nameOf = (session: PaymentSession, { conversation, id }: OwnCall, input: unknown) =>
    JSON.stringify([session.id, conversation, id, input])
  return {
    keep: (session, call, input, result) => {
      if (call.id === undefined) return
      kept.set(nameOf(session, call, input), { result, until: performance.now() + FETCHED_LIFE_MS })
      if (kept.size > MAX_FETCHED) kept.delete(`${kept.keys().next().value}`)
    },
    take: (session, call, input) => {
      if (kept.size === 0) return undefined
      const name = nameOf(session, call, input)
      const found = kept.get(name)
      kept.delete(name)
      return found && performance.now() < found.until ? found.result : undefined
    },
  }
}

/**
 * Finds the session of a call. Returns undefined if there is no `PaymentSession`, and warns the operator
 * in the name of `source`, the function that the application has called.
 *
 * @example
 * ```ts
 * const found = await findSession(() => session, undefined, 'myAdapter')
 * ```
 */
export async function findSession<Context>(
  given: ToolCallsOptions<Context>['session'],
  context: Context,
  source: string,
): Promise<PaymentSession | undefined> {
  try {
    const session: unknown = typeof given === 'function' ? await given(context) : given
    if (PaymentSession.is(session)) return session
    warnOperator(source, `session: the one for a call is ${describeGivenSession(session)}`)
  } catch (error) {
    warnOperator(source, 'session: it could not be found for a call', error)
  }
  return undefined
}

/** A call for the session, in the conversation that the application has named. */
type OwnCall = Pick<ToolCall, 'conversation' | 'id' | 'signal' | 'onProgress'>

function sessionCall<Context>(
  { conversation: given }: ToolCallsOptions<Context>,
  call: ToolCall<Context>,
): OwnCall {
  const own =
    typeof given === 'function' ? requireToolConversation(given(call.context), 'gave') : given
  const { id, onProgress, conversation } = call
  // A payment that was reserved before is still answered: only a new one is stopped.
  const signal = call.declined ? AbortSignal.abort() : call.signal
  return { conversation: own ?? conversation, id, signal, onProgress }
}

function requireToolConversation(conversation: unknown, verb: 'is' | 'gave'): string {
  if (typeof conversation === 'string' && conversation !== '') return conversation
  const given = conversation === '' ? 'an empty text' : `${conversation}`
  const message = `paymentTools: conversation: ${verb} ${given}. It must be a text that is not empty, or a function that gives one.`
  throw new BursarError('invalid_input', message)
}

/** Hands content to the application. The hook cannot change the answer, or withhold it for long. */
async function handOverToolContent<Context>(
  { onContent }: ToolCallsOptions<Context>,
  { id, context }: ToolCall<Context>,
  result: PayResult,
): Promise<void> {
  const response = 'response' in result ? result.response : undefined
  if (!onContent || !response) return
  const { status, body, truncated, headers } = response
  const content: ToolContent = {
    ...(id === undefined ? {} : { call: id }),
    ...('receipt' in result ? { payment: result.receipt.paymentId } : {}),
    status,
    type: headers['content-type'] ?? '',
    // A copy, because the model's text is made from the body afterwards.
    body: Uint8Array.from(body),
    truncated,
  }
  try {
    await withinDeadline(
      Promise.resolve().then(() => onContent(content, context)),
      MAX_CONTENT_MS,
    )
  } catch (error) {
    warnOfToolCall('onContent: the content of a call was not taken', error)
  }
}

function warnOfToolCall(what: string, error?: unknown): void {
  warnOperator(source, what, error)
}
