import { BursarError, type ToolCalls } from '@bursar/core/session'
import type { PayArguments } from './input-schema.ts'
import {
  type PaymentTool,
  type PaymentToolExecution,
  type PaymentTools,
  toToolCall,
} from './payment-tool.ts'

/** A request to the AI SDK to ask a human before the call runs. */
export interface PaymentApprovalStatus {
  readonly type: 'user-approval'
  /**
   * Amount, currency, merchant and resource of the payment, such as `0.01 USD to api.example.com:
   * …`.
   */
  readonly reason?: string
}

/**
 * The payment tool's entry of the SDK's `toolApproval`. Spread it beside the entries of other
 * tools.
 */
export type PaymentApproval = {
  pay_within_session: (
    input: PayArguments,
    execution: Omit<PaymentToolExecution, 'context'> & { readonly toolContext?: unknown },
  ) => Promise<PaymentApprovalStatus | undefined>
}

/** Decides whether the SDK has to ask a human about a call. */
export type ApprovalCheck = (
  input: PayArguments,
  execution: PaymentToolExecution,
) => Promise<PaymentApprovalStatus | undefined>

/**
 * Makes version 7 of the AI SDK stop before a payment that needs a human's approval, by its
 * `toolApproval`. Works as `needsApproval` of `paymentTools` does, and adds the reason to the
 * request.
 *
 * Throws `invalid_input` if `tools` were not made by `paymentTools`.
 *
 * @example
 * ```ts
 * import { paymentApproval, paymentTools } from '@bursar/ai-sdk'
 * import type { PaymentSession } from '@bursar/core'
 * import { type LanguageModel, type ModelMessage, streamText } from 'ai'
 *
 * declare const model: LanguageModel
 * declare const messages: ModelMessage[]
 * declare const session: PaymentSession
 *
 * const tools = paymentTools({ session, conversation: 'chat-1' })
 * const result = streamText({ model, messages, tools, toolApproval: paymentApproval(tools) })
 * ```
 */
export function paymentApproval<Context>(tools: PaymentTools<Context>): PaymentApproval {
  const check = checks.get(tools.pay_within_session)
  if (!check) {
    throw new BursarError('invalid_input', 'paymentApproval: tools: must be made by paymentTools.')
  }
  return {
    pay_within_session: (input, { toolContext, ...execution }) =>
      check(input, { ...execution, context: toolContext }),
  }
}

/**
 * The check of each tool. It shares the tool's calls, so that a quote's free content reaches the
 * payment.
 */
const checks = new WeakMap<object, ApprovalCheck>()

/** Remembers a tool's check for `paymentApproval`. */
export function keepApprovalCheck<Context>(tool: PaymentTool<Context>, check: ApprovalCheck): void {
  checks.set(tool, check)
}

/**
 * Returns the check that quotes a call, unless the SDK has already asked a human about the call.
 */
export function approvalCheck<Context>(calls: ToolCalls<Context>): ApprovalCheck {
  return async (input, execution) => {
    if (hasApprovalRequest(execution)) return { type: 'user-approval' }
    const approval = await calls.question(toToolCall(input, execution))
    if (!approval) return undefined
    const { amount, currency, merchant, resource } = approval.card
    return { type: 'user-approval', reason: `${amount} ${currency} to ${merchant}: ${resource}` }
  }
}

/**
 * Checks whether the history has an approval request for this call, as it has if the SDK checks
 * again on resume. Version 6 refuses an approved call that no longer needs approval, such as one
 * that the end user has approved at the guard. A forged request only leads to another question,
 * never to a payment.
 */
function hasApprovalRequest({ messages = [], toolCallId }: PaymentToolExecution): boolean {
  return messages.some(
    ({ role, content }) =>
      role === 'assistant' &&
      typeof content !== 'string' &&
      content.some(
        (part) => part.type === 'tool-approval-request' && part.toolCallId === toolCallId,
      ),
  )
}
