import {
  type ModelResult,
  type PayRequest,
  type PayStep,
  payTool,
  type ToolCall,
  type ToolCalls,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import type { FlexibleSchema, JSONValue } from 'ai'
import { inputSchema } from './input-schema.ts'

/**
 * What `paymentTools` takes. `Context` is what the application hands to the tool with each run:
 * `toolsContext.pay_within_session` in version 7 of the AI SDK, `experimental_context` in version 6.
 */
export type PaymentToolsOptions<Context = unknown> = ToolCallsOptions<Context>

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
  const calls = toolCalls(options)
  return {
    [payTool.name]: {
      description: payTool.description,
      inputSchema,
      execute: (input, execution) =>
        withProgress((onProgress) => answer(calls, input, execution, onProgress)),
      toModelOutput: ({ output }) => ({ type: 'json', value: output as unknown as JSONValue }),
    },
  }
}

async function answer<Context>(
  calls: ToolCalls<Context>,
  input: PayArguments,
  { toolCallId: id, abortSignal: signal, ...execution }: PaymentToolExecution,
  onProgress: ToolCall['onProgress'],
): Promise<ModelResult> {
  const context = (execution.context ?? execution.experimental_context) as Context
  return (await calls.pay({ input, context, id, signal, onProgress })).result
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
