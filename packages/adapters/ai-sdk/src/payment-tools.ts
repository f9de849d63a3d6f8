import {
  BursarError,
  type Call,
  type ModelResult,
  PaymentSession,
  type PayRequest,
  type PayStep,
  payTool,
  toModelResult,
  toolRequest,
  withoutSession,
} from '@bursar/core/session'
import type { FlexibleSchema, JSONValue } from 'ai'
import { inputSchema } from './input-schema.ts'

/** What `paymentTools` takes. `Context` is what the application hands to the tool with each run. */
export interface PaymentToolsOptions<Context = unknown> {
  /**
   * The session to pay within, or the function that finds it for a call.
   *
   * The function is given the server-side context: `toolsContext.pay_within_session` in version 7 of
   * the AI SDK, `experimental_context` in version 6. Only a `PaymentSession` counts: for a plain
   * object, a copy, nothing or an exception the model is told that it has no session, and the
   * operator why, as a process warning.
   */
  readonly session:
    | PaymentSession
    | ((context: Context) => PaymentSession | undefined | Promise<PaymentSession | undefined>)
  /**
   * Names the conversation that the calls belong to, the same one whenever its history is sent again:
   * with it a tool call is paid once, however often its id comes back.
   */
  readonly conversation?: string | ((context: Context) => string) | undefined
}

/** What a model sends to the tool. */
export type PayArguments = Omit<PayRequest, 'headers'>

/** What the tool yields while it works; the last thing that it yields is its result. */
export interface PaymentProgress {
  readonly status: 'working'
  readonly step: PayStep
}

/** What the tool reads of the options that the AI SDK executes a tool with. */
export interface PaymentToolExecution {
  readonly toolCallId: string
  readonly abortSignal?: AbortSignal | undefined
  /** Version 7. */
  readonly context?: unknown
  /** Version 6. */
  readonly experimental_context?: unknown
}

/** A tool of the AI SDK, in the shape that its versions 6 and 7 have in common. */
export interface PaymentTool<Context = unknown> {
  readonly description: string
  readonly inputSchema: FlexibleSchema<PayArguments>
  /** Never set: it has version 7 ask for a `toolsContext` of this type. */
  readonly contextSchema?: FlexibleSchema<Context>
  readonly execute: (
    input: PayArguments,
    execution: PaymentToolExecution,
  ) => AsyncGenerator<PaymentProgress | ModelResult, void>
  readonly toModelOutput: (result: { readonly output: PaymentProgress | ModelResult }) => {
    type: 'json'
    value: JSONValue
  }
}

/** The tools to give to `generateText`, `streamText` or an agent. */
export type PaymentTools<Context = unknown> = {
  pay_within_session: PaymentTool<Context>
}

/**
 * Makes the payment tool for the AI SDK, versions 6 and 7.
 *
 * Refusals are results that the model reads, and nothing is thrown to it. A failure of the guard is
 * a result, too, `failed`, without its cause, which goes to the operator as a process warning.
 * Throws `invalid_input` for a `conversation` that can name none.
 *
 * @example
 * const tools = paymentTools({ session: bursar.openSession(token), conversation: chat.id })
 * const result = await generateText({ model, prompt, tools, stopWhen: stepCountIs(8) })
 */
export function paymentTools<Context = unknown>(
  options: PaymentToolsOptions<Context>,
): PaymentTools<Context> {
  const { conversation } = options
  if (conversation !== undefined && typeof conversation !== 'function') named(conversation)
  return {
    [payTool.name]: {
      description: payTool.description,
      inputSchema,
      execute: (input, execution) =>
        withProgress((onProgress) => answer(options, input, execution, onProgress)),
      toModelOutput: ({ output }) => ({ type: 'json', value: output as unknown as JSONValue }),
    },
  }
}

/** One call, from its session to what the model is told. It never throws. */
async function answer<Context>(
  options: PaymentToolsOptions<Context>,
  input: PayArguments,
  execution: PaymentToolExecution,
  onProgress: NonNullable<Call['onProgress']>,
): Promise<ModelResult> {
  const { toolCallId: id, abortSignal: signal } = execution
  const context = (execution.context ?? execution.experimental_context) as Context
  const session = await sessionOf(options.session, context)
  if (!session) return withoutSession()
  try {
    const { conversation: given } = options
    const conversation = typeof given === 'function' ? named(given(context)) : given
    const { request, ignored } = toolRequest(input)
    const call = { conversation, id, signal, ignored, onProgress }
    return toModelResult(await session.pay(request, call))
  } catch (error) {
    warn(`a call failed in session ${session.id}`, error)
    return {
      status: 'failed',
      message:
        'The payment guard failed, and whether anything was paid is not known here. Do not try again. Tell the user.',
    }
  }
}

/** The one place that says who has a session: whatever is not one pays nothing. */
async function sessionOf<Context>(
  given: PaymentToolsOptions<Context>['session'],
  context: Context,
): Promise<PaymentSession | undefined> {
  try {
    const session: unknown = typeof given === 'function' ? await given(context) : given
    if (PaymentSession.is(session)) return session
    const found = session === undefined || session === null ? 'none' : 'no PaymentSession'
    warn(`session: there was ${found} for a call; a copy or a plain object is not believed`)
  } catch (error) {
    warn('session: it could not be found for a call', error)
  }
  return undefined
}

function named(conversation: unknown): string {
  if (typeof conversation === 'string' && conversation !== '') return conversation
  const message = 'paymentTools: conversation: must be a text that is not empty.'
  throw new BursarError('invalid_input', message)
}

/** Yields each step as it begins, and the result at last. Who stops listening stops no payment. */
async function* withProgress(
  work: (onProgress: (step: PayStep) => void) => Promise<ModelResult>,
): AsyncGenerator<PaymentProgress | ModelResult, void> {
  const steps: PayStep[] = []
  let result: ModelResult | undefined
  let wake = (): void => {}
  void work((step) => {
    steps.push(step)
    wake()
  }).then((answered) => {
    result = answered
    wake()
  })
  while (!result || steps.length > 0) {
    const step = steps.shift()
    if (step) yield { status: 'working', step }
    else await new Promise<void>((resolve) => (wake = resolve))
  }
  yield result
}

/** Tells the operator, and never the model, what is wrong. Where no process is, the console is. */
function warn(what: string, error?: unknown): void {
  const cause = error instanceof Error ? error.message : String(error)
  const code = BursarError.isInstance(error) ? `${error.code}: ` : ''
  const warning = `paymentTools: ${what}${error === undefined ? '' : `: ${code}${cause}`}`
  const process: Partial<NodeJS.Process> | undefined = globalThis.process
  if (process?.emitWarning) process.emitWarning(warning, { type: 'BursarWarning' })
  else console.warn(warning)
}
