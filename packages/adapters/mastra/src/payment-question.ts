import type { ModelResult, ToolCall, ToolCalls } from '@bursar/core/session'

/**
 * The payload that suspends a run if a payment needs a human's approval.
 *
 * Show the end user the guard's approval card, record the answer with the end user's facet
 * (`approve(approval)` or `deny(approval)`), then resume the run. Resumed without a recorded
 * answer, the run is suspended with this question again. Resumed with `{ approved: false }`, the
 * call pays nothing, even if an approval was recorded.
 */
export interface PaymentQuestion {
  readonly tool: 'pay_within_session'
  /** The approval's id. Read its terms from the guard: a snapshot can be edited. */
  readonly approval: string
  /** The end of the approval request, in ISO 8601, UTC. */
  readonly expiresAt: string
}

/** The data that a run is resumed with. A yes counts only if the guard has recorded it. */
export interface PaymentAnswer {
  readonly approved: boolean
}

/** The parts of a run that can be suspended, alike in an agent and in a workflow. */
export interface Suspension {
  /** Absent if the run could not be resumed. */
  readonly suspend?: ((question: PaymentQuestion) => unknown) | undefined
  readonly resumeData?: unknown
}

/**
 * Carries out one call and returns the model's result. Returns undefined if the run is now
 * suspended.
 */
export async function payOrSuspendWithQuestion<Context>(
  calls: ToolCalls<Context>,
  call: ToolCall<Context>,
  { suspend, resumeData }: Suspension,
): Promise<ModelResult | undefined> {
  const { result, approval } = await calls.pay({ ...call, declined: isPaymentDeclined(resumeData) })
  if (!approval || !suspend) return result
  const { id, expiresAt } = approval
  await suspend({ tool: 'pay_within_session', approval: id, expiresAt })
  return undefined
}

function isPaymentDeclined(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return answer === false
  return 'approved' in answer && answer.approved === false
}
