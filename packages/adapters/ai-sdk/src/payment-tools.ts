import {
  BursarError,
  type ModelResult,
  type PayRequest,
  type PayStep,
  payTool,
  type ToolCall,
  type ToolCalls,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import type { FlexibleSchema, JSONValue, ModelMessage } from 'ai'
import { inputSchema } from './input-schema.ts'

/**
 * What `paymentTools` takes. `Context` is what the application hands to the tool with each run:
 * `toolsContext.pay_within_session` in version 7 of the AI SDK, `experimental_context` in version 6.
 */
export interface PaymentToolsOptions<Context = unknown> extends ToolCallsOptions<Context> {
  /**
   * Whether a run stops where a human has to agree, with the SDK's own approval request; otherwise
   * the model is told so, and the run goes on. The call is quoted first, so that nobody is asked
   * about what needs no human or will be refused.
   *
   * The SDK's yes only has the call made again. It pays if the end user has said yes to the guard.
   */
  readonly needsApproval?: boolean | undefined
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
  readonly messages?: readonly ModelMessage[] | undefined
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
  /** Only where the option says so. It never throws, and has a deadline of its own. */
  readonly needsApproval?:
    | boolean
    | ((input: PayArguments, execution: PaymentToolExecution) => Promise<boolean>)
  readonly toModelOutput: (result: { readonly output: PaymentProgress | ModelResult }) => {
    type: 'json'
    value: JSONValue
  }
}

/** The tools to give to `generateText`, `streamText` or an agent. */
export type PaymentTools<Context = unknown> = {
  pay_within_session: PaymentTool<Context>
}

/** That the SDK has to ask a human, and what about. */
export interface PaymentApprovalStatus {
  readonly type: 'user-approval'
  readonly reason?: string
}

/** What to give to `toolApproval`, beside the same for other tools. */
export type PaymentApproval = {
  pay_within_session: (
    input: PayArguments,
    execution: Omit<PaymentToolExecution, 'context'> & { readonly toolContext?: unknown },
  ) => Promise<PaymentApprovalStatus | undefined>
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
  const { needsApproval = false, ...shared } = options
  const calls = toolCalls(shared)
  const approvalStatus = approvalOf(calls)
  const tool: PaymentTool<Context> = {
    description: payTool.description,
    inputSchema,
    execute: (input, execution) =>
      withProgress(async (onProgress) => {
        const call = { ...callOf<Context>(input, execution), onProgress }
        return (await calls.pay(call)).result
      }),
    ...(needsApproval
      ? { needsApproval: async (...call) => (await approvalStatus(...call)) !== undefined }
      : {}),
    toModelOutput: ({ output }) => ({ type: 'json', value: output as unknown as JSONValue }),
  }
  approvals.set(tool, approvalStatus)
  return { pay_within_session: tool }
}

/**
 * Has version 7 of the AI SDK stop where a human has to agree, by its `toolApproval`: the same as
 * `needsApproval` of `paymentTools`, and the request says what would be paid to whom.
 *
 * Throws `invalid_input` for tools that `paymentTools` has not made.
 *
 * @example
 * const tools = paymentTools({ session, conversation: chat.id })
 * const result = streamText({ model, messages, tools, toolApproval: paymentApproval(tools) })
 */
export function paymentApproval<Context>(tools: PaymentTools<Context>): PaymentApproval {
  const approvalStatus = approvals.get(tools.pay_within_session)
  if (!approvalStatus) {
    throw new BursarError('invalid_input', 'paymentApproval: tools: must be made by paymentTools.')
  }
  return {
    pay_within_session: (input, { toolContext, ...execution }) =>
      approvalStatus(input, { ...execution, context: toolContext }),
  }
}

/** Where a tool's own answer is found, so that its quote and its payment are of one piece. */
const approvals = new WeakMap<object, ApprovalStatus>()

type ApprovalStatus = (
  input: PayArguments,
  execution: PaymentToolExecution,
) => Promise<PaymentApprovalStatus | undefined>

/** Quotes a call, unless it was asked about before. */
function approvalOf<Context>(calls: ToolCalls<Context>): ApprovalStatus {
  return async (input, execution) => {
    if (wasAsked(execution)) return { type: 'user-approval' }
    const question = await calls.question(callOf(input, execution))
    if (!question) return undefined
    const { amount, currency, merchant, resource } = question.card
    return { type: 'user-approval', reason: `${amount} ${currency} to ${merchant}: ${resource}` }
  }
}

/** A call of the SDK; each version has its own name for the context. */
function callOf<Context>(
  input: PayArguments,
  { toolCallId: id, abortSignal: signal, ...execution }: PaymentToolExecution,
): ToolCall<Context> {
  const context = (execution.context ?? execution.experimental_context) as Context
  return { input, context, id, signal }
}

/**
 * Whether the history has a question about this call, as it has when the SDK asks again on resume.
 * Version 6 refuses a call that was approved and now needs no approval, such as one that the end user
 * has agreed to. A history that lies about it gains a question, and no payment.
 */
function wasAsked({ messages = [], toolCallId }: PaymentToolExecution): boolean {
  return messages.some(
    ({ role, content }) =>
      role === 'assistant' &&
      typeof content !== 'string' &&
      content.some(
        (part) => part.type === 'tool-approval-request' && part.toolCallId === toolCallId,
      ),
  )
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
