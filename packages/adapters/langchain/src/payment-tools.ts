import {
  type PayStep,
  payTool,
  type ToolCall,
  type ToolCalls,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import { ToolMessage } from '@langchain/core/messages'
import {
  type DynamicStructuredTool,
  ToolInputParsingException,
  type ToolRunnableConfig,
  tool,
} from '@langchain/core/tools'
import { interruptWithPaymentQuestion, wasPaymentDeclined } from './payment-question.ts'

/**
 * The options of `paymentTools`. `Context` is the type of the run's context, which `contextSchema`
 * describes.
 */
export type PaymentToolsOptions<Context = unknown> = ToolCallsOptions<Context>

/** A chunk of the stream mode `custom`, written as a step of a payment begins. */
export interface PaymentProgress {
  readonly tool: 'pay_within_session'
  /** The tool call's id. Absent if the call has none. */
  readonly call?: string
  readonly status: 'working'
  readonly step: PayStep
}

/** The tools to give to `createAgent`, a `ToolNode`, or `bindTools`. */
export type PaymentTools = [DynamicStructuredTool]

/** A run, as LangChain hands it to a tool. Versions name the call's id differently. */
interface Runtime extends ToolRunnableConfig {
  readonly toolCallId?: string
  readonly writer?: ((chunk: unknown) => void) | null
}

/**
 * Makes the payment tool for LangChain and LangGraph.
 *
 * The tool throws only LangGraph's interrupt. A denial is a result that the model reads. A failure
 * of the guard is the result `failed`, and its cause goes to the operator as a process warning
 * (`BursarWarning`). If a payment needs a human's approval, the graph stops with an interrupt, a
 * `PaymentQuestion`. Without a checkpointer the graph cannot stop, and the result is
 * `approval_required`. Throws `invalid_input` if `conversation` is an empty string.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core'
 * import { paymentTools } from '@bursar/langchain'
 * import type { BaseChatModel } from '@langchain/core/language_models/chat_models'
 * import { MemorySaver } from '@langchain/langgraph'
 * import { createAgent } from 'langchain'
 *
 * declare const model: BaseChatModel
 * declare const session: PaymentSession
 *
 * const tools = paymentTools({ session })
 * const agent = createAgent({ model, tools, checkpointer: new MemorySaver() })
 * ```
 */
export function paymentTools<Context = unknown>(
  options: PaymentToolsOptions<Context>,
): PaymentTools {
  const calls = toolCalls(options)
  const pay = async (input: unknown, runtime: Runtime): Promise<string> =>
    JSON.stringify(await answerToolCall(calls, input, runtime))
  const { name, description, inputSchema: schema } = payTool
  return [
    acceptAnyToolInput(tool(pay, { name, description, schema }) as DynamicStructuredTool, pay),
  ]
}

/** Carries out one call and returns the model's result. Throws only LangGraph's interrupt. */
async function answerToolCall<Context>(
  calls: ToolCalls<Context>,
  input: unknown,
  runtime: Runtime,
): Promise<unknown> {
  const id = runtime.toolCallId ?? runtime.toolCall?.id
  const callName = id === undefined || id === '' ? {} : { call: id }
  const thread: unknown = runtime.configurable?.thread_id
  const call: ToolCall<Context> = {
    input,
    context: runtime.context as Context,
    id: callName.call,
    conversation: typeof thread === 'string' && thread !== '' ? thread : undefined,
    signal: runtime.signal,
    onProgress: (step) =>
      runtime.writer?.({ tool: payTool.name, ...callName, status: 'working', step }),
  }
  for (let resumes = 0; ; resumes += 1) {
    const declined = wasPaymentDeclined(runtime.configurable)
    const { result, approval } = await calls.pay({ ...call, declined })
    if (!approval || resumes === MAX_RESUMES) return result
    // The value of a resume proves nothing: the guard holds the recorded answer, and the next `pay`
    // reads it.
    const terms = { approval: approval.id, expiresAt: approval.expiresAt }
    const question = { tool: payTool.name, ...callName, ...terms }
    if (!interruptWithPaymentQuestion(question, runtime.configurable)) return result
  }
}

/**
 * The most resumes of one call without a recorded answer: each resume quotes the call once more.
 */
const MAX_RESUMES = 10

/**
 * Makes the tool accept any input. The guard parses the arguments, ignores and records unknown
 * ones, and denies the unusable ones. LangChain would throw instead: the refusal would not be
 * recorded, and the model would read the stack of this process.
 */
function acceptAnyToolInput(
  paymentTool: DynamicStructuredTool,
  pay: (input: unknown, runtime: Runtime) => Promise<string>,
): DynamicStructuredTool {
  const invoke = paymentTool.invoke.bind(paymentTool)
  const invokeAny = async (input: unknown, config: Runtime = {}): Promise<unknown> => {
    try {
      return await invoke(input as Parameters<typeof invoke>[0], config)
    } catch (error) {
      if (!(error instanceof ToolInputParsingException)) throw error
      if (!isToolCall(input)) return pay(input, config)
      const content = await pay(input.args, { ...config, toolCall: input })
      return new ToolMessage({
        content,
        name: paymentTool.name,
        status: 'success',
        tool_call_id: input.id ?? '',
      })
    }
  }
  paymentTool.invoke = invokeAny as typeof paymentTool.invoke
  return paymentTool
}

function isToolCall(input: unknown): input is NonNullable<ToolRunnableConfig['toolCall']> {
  return (
    typeof input === 'object' && input !== null && 'type' in input && input.type === 'tool_call'
  )
}
