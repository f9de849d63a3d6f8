import type { ModelResult, ToolCall } from '@bursar/core/session'
import type { FlexibleSchema, JSONValue, ModelMessage } from 'ai'
import type { PayArguments } from './input-schema.ts'
import type { PaymentProgress } from './payment-progress.ts'

/** The options of an AI SDK tool execution, as far as the payment tool reads them. */
export interface PaymentToolExecution {
  readonly toolCallId: string
  readonly abortSignal?: AbortSignal | undefined
  readonly messages?: readonly ModelMessage[] | undefined
  /** The run's context in version 7. */
  readonly context?: unknown
  /** The run's context in version 6. */
  readonly experimental_context?: unknown
}

/** A tool in the shape that versions 6 and 7 of the AI SDK have in common. */
export interface PaymentTool<Context = unknown> {
  readonly description: string
  readonly inputSchema: FlexibleSchema<PayArguments>
  /** Never set. The type alone makes version 7 require a `toolsContext` of this type. */
  readonly contextSchema?: FlexibleSchema<Context>
  readonly execute: (
    input: PayArguments,
    execution: PaymentToolExecution,
  ) => AsyncGenerator<PaymentProgress | ModelResult, void>
  /**
   * The check that `needsApproval` of the SDK calls. Set only if that option is true. Never throws,
   * and resolves within 10 s.
   */
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

/**
 * Translates a call of the SDK into a call of the guard. Versions 6 and 7 name the context
 * differently.
 */
export function toToolCall<Context>(
  input: PayArguments,
  { toolCallId: id, abortSignal: signal, ...execution }: PaymentToolExecution,
): ToolCall<Context> {
  const context = (execution.context ?? execution.experimental_context) as Context
  return { input, context, id, signal }
}
