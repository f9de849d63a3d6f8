import type { ModelResult, ToolCall, ToolCalls } from '@bursar/core/session'

/**
 * What a run is suspended with where a human has to agree.
 *
 * It is a question and nothing more. Show the card that the guard has for it, and record the answer
 * with the end user's facet, `approve(approval)` or `deny(approval)`; then resume. Resumed with
 * whatever yes and without a recorded answer, the run is suspended with the same question again;
 * resumed with `{ approved: false }`, it pays nothing whatever was recorded.
 */
export interface PaymentQuestion {
  readonly tool: 'pay_within_session'
  /** The approval's id. What it is for, the guard says: a snapshot can be edited. */
  readonly approval: string
  /** ISO 8601, UTC. */
  readonly expiresAt: string
}

/** What a run is resumed with. A yes counts for nothing that the guard has not recorded. */
export interface PaymentAnswer {
  readonly approved: boolean
}

/** JSON Schema of `PaymentAnswer`. */
export const answerShape: object = {
  type: 'object',
  properties: { approved: { type: 'boolean' } },
  required: ['approved'],
}

/** How a run is suspended and what it was resumed with, in an agent and in a workflow alike. */
export interface Suspension {
  /** Absent where nothing could resume the run. */
  readonly suspend?: ((question: PaymentQuestion) => unknown) | undefined
  readonly resumeData?: unknown
}

/** Carries out one call. Answers `undefined` where the run is suspended now. */
export async function payOrSuspend<Context>(
  calls: ToolCalls<Context>,
  call: ToolCall<Context>,
  { suspend, resumeData }: Suspension,
): Promise<ModelResult | undefined> {
  const { result, approval } = await calls.pay({ ...call, declined: isNo(resumeData) })
  if (!approval || !suspend) return result
  const { id, expiresAt } = approval
  await suspend({ tool: 'pay_within_session', approval: id, expiresAt })
  return undefined
}

function isNo(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null) return answer === false
  return 'approved' in answer && answer.approved === false
}
