import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { warnOperator } from '../primitives/operator-warning.ts'
import type { PayResult, PayStep, QuoteResult, WaitingApproval } from './pay-result.ts'
import { PaymentSession } from './payment-session.ts'
import { type ModelResult, toModelResult, withoutGuard, withoutSession } from './tool.ts'
import { toolRequest } from './tool-request.ts'

/**
 * The options of every adapter's `paymentTools`. `Context` is the framework's server-side context.
 */
export interface ToolCallsOptions<Context = unknown> {
  /**
   * The session to pay within, or the function that finds it for a call in the server-side context.
   *
   * Only a `PaymentSession` counts. For anything else, or an exception, the model is told that it
   * has no session, and a process warning (`BursarWarning`) tells the operator why.
   */
  readonly session:
    | PaymentSession
    | ((context: Context) => PaymentSession | undefined | Promise<PaymentSession | undefined>)
  /**
   * Names the conversation that the calls belong to, the same one whenever its history is sent
   * again or its run is resumed: with it a tool call is paid once, however often its id comes back.
   */
  readonly conversation?: string | ((context: Context) => string) | undefined
  /**
   * Receives the delivered content as it came, because a model gets text cut to a bound, and only
   * type and size of binary content. The answer waits for this function up to 5 s, and its
   * exception becomes a process warning. A call that is answered again may hand over its content
   * again.
   */
  readonly onContent?:
    | ((content: ToolContent, context: Context) => void | Promise<void>)
    | undefined
}

/** The content that a resource delivered to one call. All of it is untrusted. */
export interface ToolContent {
  /** The tool call's id, if the framework has one. */
  readonly call?: string
  /**
   * The id of the payment that bought the content. Absent if the content was free or is in doubt.
   */
  readonly payment?: string
  /** HTTP status. */
  readonly status: number
  /** The `content-type` that the resource named, or an empty text. */
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
  /** The tool call's id. Never an id that changes when a run is resumed. */
  readonly id?: string | undefined
  /**
   * The framework's own thread or workflow run, used where the application names no conversation.
   */
  readonly conversation?: string | undefined
  /** Aborts the call until the payment is reserved. An abort after that is ignored. */
  readonly signal?: AbortSignal | undefined
  /**
   * True if the human said no by the framework's own means. Then nothing more is reserved for the
   * call. A yes by those means has no field here, because only the end user's facet can approve.
   */
  readonly declined?: boolean | undefined
  readonly onProgress?: ((step: PayStep) => void) | undefined
}

/** The outcome of one tool call. */
export interface ToolAnswer {
  /** The result for the model, and the only text that the model gets. */
  readonly result: ModelResult
  /**
   * The question that waits, where the status is `approval_required`: for a framework that can stop
   * and ask. Its answer counts only once the end user's facet of the guard has recorded it.
   */
  readonly approval?: WaitingApproval
}

/**
 * The part that adapters share: turns a framework's call into the result for the model. Never
 * throws.
 */
export interface ToolCalls<Context = unknown> {
  /** Carries out one call: pays, gets what is free, or says why not. */
  pay(call: ToolCall<Context>): Promise<ToolAnswer>
  /**
   * Quotes one call without paying, and answers what a human has to be asked before it can be paid.
   *
   * Returns undefined if asking now is of no use: the call needs no approval, or will be refused,
   * or cannot be judged within 10 s. That is no permission, because `pay` decides anew.
   */
  question(call: ToolCall<Context>): Promise<WaitingApproval | undefined>
}

/** The name of the function that an application calls, the same in every adapter. */
const source = 'paymentTools'

/** How long a question may take: frameworks wait for it before every call, and cannot stop it. */
const MAX_QUESTION_MS = 10_000

/** How long an answer waits for the application to take its content. */
const MAX_CONTENT_MS = 5_000

/**
 * Joins a framework's tool calls to a payment session.
 *
 * Throws `invalid_input` for a `conversation` that can name none.
 *
 * @example
 * const calls = toolCalls({ session: (context: Context) => context.payer })
 * const { result } = await calls.pay({ input, context, id: toolCallId, conversation: threadId })
 */
export function toolCalls<Context = unknown>(
  options: ToolCallsOptions<Context>,
): ToolCalls<Context> {
  const { conversation } = options
  if (conversation !== undefined && typeof conversation !== 'function') named(conversation)
  const fetched = createFetched()
  return {
    pay: (call) => pay(options, fetched, call),
    question: (call) => question(options, fetched, call),
  }
}

async function pay<Context>(
  options: ToolCallsOptions<Context>,
  fetched: Fetched,
  call: ToolCall<Context>,
): Promise<ToolAnswer> {
  const session = await findSession(options.session, call.context, source)
  if (!session) return { result: withoutSession() }
  try {
    const { request, ignored } = toolRequest(call.input)
    const own = callOf(options, call)
    const result =
      fetched.take(session, own, call.input) ?? (await session.pay(request, { ...own, ignored }))
    if (call.declined && unpaid.includes(result.status)) return { result: declinedResult }
    await handOver(options, call, result)
    const told = toModelResult(result)
    return result.status === 'approval_required'
      ? { result: told, approval: result.approval }
      : { result: told }
  } catch (error) {
    warn(`a call failed in session ${session.id}`, error)
    return { result: withoutGuard() }
  }
}

/** Returns the result of a declined call if the call needed no payment. */
const unpaid: readonly PayResult['status'][] = ['failed', 'approval_required']

const declinedResult: ModelResult = {
  status: 'denied',
  code: 'approval_denied',
  message: 'The user said no to this payment. Do not try again.',
}

async function question<Context>(
  options: ToolCallsOptions<Context>,
  fetched: Fetched,
  call: ToolCall<Context>,
): Promise<WaitingApproval | undefined> {
  const late = new AbortController()
  const signal = call.signal ? AbortSignal.any([call.signal, late.signal]) : late.signal
  const quoting = quote(options, fetched, { ...call, signal })
  try {
    const quoted = await withinDeadline(quoting, MAX_QUESTION_MS)
    return quoted?.status === 'approval_required' ? quoted.approval : undefined
  } catch (error) {
    warn('a call could not be quoted', error)
    return undefined
  } finally {
    late.abort()
  }
}

async function quote<Context>(
  options: ToolCallsOptions<Context>,
  fetched: Fetched,
  call: ToolCall<Context>,
): Promise<QuoteResult | undefined> {
  const session = await findSession(options.session, call.context, source)
  if (!session) return undefined
  const { request, ignored } = toolRequest(call.input)
  const own = callOf(options, call)
  const quoted = await session.quote(request, { ...own, ignored })
  if (quoted.status === 'free') fetched.keep(session, own, call.input, quoted)
  return quoted
}

/**
 * Free content that a quote has fetched: the call that follows gets the content from here, so that
 * a request which asks for no payment is sent once.
 */
interface Fetched {
  keep(session: PaymentSession, call: OwnCall, input: unknown, result: PayResult): void
  take(session: PaymentSession, call: OwnCall, input: unknown): PayResult | undefined
}

/** The time that free content waits for its call. */
const FETCHED_LIFE_MS = 60_000

/** The most free contents that wait at the same time. The oldest give way and are fetched again. */
const MAX_FETCHED = 20

function createFetched(): Fetched {
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
 * Finds the session of a call. A value that is no session pays nothing, and a process warning tells
 * the operator why, with the name of the function that the application called.
 */
export async function findSession<Context>(
  given: ToolCallsOptions<Context>['session'],
  context: Context,
  source: string,
): Promise<PaymentSession | undefined> {
  try {
    const session: unknown = typeof given === 'function' ? await given(context) : given
    if (PaymentSession.is(session)) return session
    const found = session === undefined || session === null ? 'none' : 'no PaymentSession'
    const what = `session: there was ${found} for a call; a copy or a plain object is not believed`
    warnOperator(source, what)
  } catch (error) {
    warnOperator(source, 'session: it could not be found for a call', error)
  }
  return undefined
}

/** A call as the session is given it, in the conversation that the application has named. */
type OwnCall = Pick<ToolCall, 'conversation' | 'id' | 'signal' | 'onProgress'>

function callOf<Context>(
  { conversation: given }: ToolCallsOptions<Context>,
  call: ToolCall<Context>,
): OwnCall {
  const own = typeof given === 'function' ? named(given(call.context)) : given
  const { id, onProgress, conversation } = call
  // A payment that was reserved before is still answered. Only a new payment is stopped.
  const signal = call.declined ? AbortSignal.abort() : call.signal
  return { conversation: own ?? conversation, id, signal, onProgress }
}

function named(conversation: unknown): string {
  if (typeof conversation === 'string' && conversation !== '') return conversation
  const message = 'paymentTools: conversation: must be a text that is not empty.'
  throw new BursarError('invalid_input', message)
}

/**
 * Hands the content to the application. The hook can neither change the answer nor delay it for
 * long.
 */
async function handOver<Context>(
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
    // The copy for the model is made after this, so the hook gets a copy of its own.
    body: Uint8Array.from(body),
    truncated,
  }
  try {
    await withinDeadline(
      Promise.resolve().then(() => onContent(content, context)),
      MAX_CONTENT_MS,
    )
  } catch (error) {
    warn('onContent: the content of a call was not taken', error)
  }
}

function warn(what: string, error?: unknown): void {
  warnOperator(source, what, error)
}
