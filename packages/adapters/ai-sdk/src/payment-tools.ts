import { payTool, type ToolCallsOptions, toolCalls } from '@bursar/core/session'
import type { JSONValue } from 'ai'
import { inputSchema } from './input-schema.ts'
import { approvalCheck, keepApprovalCheck } from './payment-approval.ts'
import { payWithProgress } from './payment-progress.ts'
import { type PaymentTool, type PaymentTools, toToolCall } from './payment-tool.ts'

/**
 * The options of `paymentTools`. `Context` is the type of the context that you hand to each run:
 * `toolsContext.pay_within_session` in version 7 of the AI SDK, `experimental_context` in version
 * 6.
 */
export interface PaymentToolsOptions<Context = unknown> extends ToolCallsOptions<Context> {
  /**
   * Stops the run with the SDK's own approval request if a payment needs a human's approval. If
   * false, the run goes on and the model reads the result `approval_required`. Each call is quoted
   * first: a call that needs no approval, or will be denied, makes no request.
   *
   * An approval by the SDK only repeats the call. The call pays if the end user has approved at the
   * guard.
   *
   * @default false
   */
  readonly needsApproval?: boolean | undefined
}

/**
 * Makes the payment tool for the AI SDK, versions 6 and 7.
 *
 * The tool never throws. A denial is a result that the model reads. A failure of the guard is the
 * result `failed`, and its cause goes to the operator as a process warning (`BursarWarning`).
 * Throws `invalid_input` if `conversation` is an empty string.
 *
 * @example
 * ```ts
 * import { paymentTools } from '@bursar/ai-sdk'
 * import type { PaymentSession } from '@bursar/core'
 * import { generateText, type LanguageModel, stepCountIs } from 'ai'
 *
 * declare const model: LanguageModel
 * declare const session: PaymentSession
 *
 * const { text } = await generateText({
 *   model,
 *   prompt: 'Buy the quote of ACME.',
 *   tools: paymentTools({ session, conversation: 'chat-1' }),
 *   stopWhen: stepCountIs(8),
 * })
 * ```
 */
export function paymentTools<Context = unknown>(
  options: PaymentToolsOptions<Context>,
): PaymentTools<Context> {
  const { needsApproval = false, ...shared } = options
  const calls = toolCalls(shared)
  const check = approvalCheck(calls)
  const tool: PaymentTool<Context> = {
    description: payTool.description,
    inputSchema,
    execute: (input, execution) =>
      payWithProgress(async (onProgress) => {
        const call = { ...toToolCall<Context>(input, execution), onProgress }
        return (await calls.pay(call)).result
      }),
    ...(needsApproval && {
      needsApproval: async (...call) => (await check(...call)) !== undefined,
    }),
    toModelOutput: ({ output }) => ({ type: 'json', value: output as unknown as JSONValue }),
  }
  keepApprovalCheck(tool, check)
  return { pay_within_session: tool }
}
