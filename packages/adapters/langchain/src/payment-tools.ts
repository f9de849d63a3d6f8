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
import { stopWith, wasDeclined } from './payment-question.ts'

/** What `paymentTools` takes. `Context` is the run's context: what `contextSchema` describes. */
export type PaymentToolsOptions<Context = unknown> = ToolCallsOptions<Context>

/** What is written to the stream mode `custom` as each step of a payment begins. */
export interface PaymentProgress {
  readonly tool: 'pay_within_session'
  /** The tool call's id. */
  readonly call?: string
  readonly status: 'working'
  readonly step: PayStep
}

/** The tools to give to `createAgent`, a `ToolNode`, or `bindTools`. */
export type PaymentTools = [DynamicStructuredTool]

/** The parts of a run that LangChain hands to a tool; its versions name them differently. */
interface Runtime extends ToolRunnableConfig {
  readonly toolCallId?: string
  readonly writer?: ((chunk: unknown) => void) | null
}

/**
 * Makes the payment tool for LangChain and LangGraph.
 *
 * Refusals are results that the model reads, and nothing is thrown to it. A failure of the guard is
 * a result, too, `failed`, without its cause, which goes to the operator as a process warning.
 * Where a human has to agree, the graph stops with an interrupt, a `PaymentQuestion`; without a
 * checkpointer, which that needs, the result is `approval_required`.
 * Throws `invalid_input` for a `conversation` that can name none.
 *
 * @example
 * const tools = paymentTools({ session: bursar.openSession(token) })
 * const agent = createAgent({ model, tools, checkpointer })
 */
export function paymentTools<Context = unknown>(
  options: PaymentToolsOptions<Context>,
): PaymentTools {
  const calls = toolCalls(options)
  const pay = async (input: unknown, runtime: Runtime): Promise<string> =>
    JSON.stringify(await answer(calls, input, runtime))
  const { name, description, inputSchema: schema } = payTool
  return [withEveryInput(tool(pay, { name, description, schema }) as DynamicStructuredTool, pay)]
}

/** One call, from its question to what the model is told. It throws nothing but an interrupt. */
async function answer<Context>(
  calls: ToolCalls<Context>,
  input: unknown,
  runtime: Runtime,
): Promise<unknown> {
  const id = runtime.toolCallId ?? runtime.toolCall?.id
  const named = id === undefined || id === '' ? {} : { call: id }
  const thread: unknown = runtime.configurable?.thread_id
  const call: ToolCall<Context> = {
    input,
    context: runtime.context as Context,
    id: named.call,
    conversation: typeof thread === 'string' && thread !== '' ? thread : undefined,
    signal: runtime.signal,
    onProgress: (step) =>
      runtime.writer?.({ tool: payTool.name, ...named, status: 'working', step }),
  }
  for (let resumed = 0; ; resumed += 1) {
    const declined = wasDeclined(runtime.configurable)
    const { result, approval } = await calls.pay({ ...call, declined })
    if (!approval || resumed === MAX_RESUMES) return result
    // Whatever yes the graph is resumed with: what was answered, the guard knows.
    const question = { approval: approval.id, expiresAt: approval.expiresAt }
    if (!stopWith({ tool: payTool.name, ...named, ...question }, runtime.configurable))
      return result
  }
}

/** How often a call asks in vain: each resume quotes it once more. */
const MAX_RESUMES = 10

/**
 * Has the tool take whatever a model sends. The guard reads it, ignores and records what it does not
 * know, and denies what it cannot use. LangChain would throw instead: recorded nowhere, and
 * with the stack of this process among what the model is told.
 */
function withEveryInput(
  made: DynamicStructuredTool,
  pay: (input: unknown, runtime: Runtime) => Promise<string>,
): DynamicStructuredTool {
  const invoke = made.invoke.bind(made)
  const invokeAny = async (given: unknown, config: Runtime = {}): Promise<unknown> => {
    try {
      return await invoke(given as Parameters<typeof invoke>[0], config)
    } catch (error) {
      if (!(error instanceof ToolInputParsingException)) throw error
      if (!isToolCall(given)) return pay(given, config)
      const content = await pay(given.args, { ...config, toolCall: given })
      return new ToolMessage({
        content,
        name: made.name,
        status: 'success',
        tool_call_id: given.id ?? '',
      })
    }
  }
  made.invoke = invokeAny as typeof made.invoke
  return made
}

function isToolCall(given: unknown): given is NonNullable<ToolRunnableConfig['toolCall']> {
  return (
    typeof given === 'object' && given !== null && 'type' in given && given.type === 'tool_call'
  )
}
