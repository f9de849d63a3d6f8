import { interrupt, isGraphInterrupt } from '@langchain/langgraph'

/**
 * The value of the interrupt that stops the graph if a payment needs a human's approval.
 *
 * Show the end user the guard's approval card, record the answer with the end user's facet
 * (`approve(approval)` or `deny(approval)`), then resume the graph. Resumed without a recorded
 * answer, the graph stops with this question again. Resumed with `false` or `{ approved: false }`,
 * the call pays nothing, even if an approval was recorded.
 */
export interface PaymentQuestion {
  readonly tool: 'pay_within_session'
  /** The tool call's id. Absent if the call has none. */
  readonly call?: string
  /** The approval's id. Read its terms from the guard: a graph's state can be edited. */
  readonly approval: string
  /** The end of the approval request, in ISO 8601, UTC. */
  readonly expiresAt: string
}

/** A running task as LangGraph records it. Every run of a task has its own object. */
interface Scratchpad {
  /** The values that the task was resumed with, oldest first. */
  readonly resume?: readonly unknown[]
  /** The value that the graph was resumed with, until a task takes it. */
  readonly nullResume?: unknown
}

const scratchpadKey = '__pregel_scratchpad'

/** The ids of the calls that have interrupted each run of a task. */
const interruptedCalls = new WeakMap<Scratchpad, Set<string | undefined>>()

/**
 * Interrupts the graph with a question. Returns true if the graph was resumed from this interrupt.
 *
 * Returns false if nothing can stop: outside a graph, without a checkpointer, or if a wrapper such
 * as `toolRetryMiddleware` has swallowed the interrupt and runs the tool again.
 */
export function interruptWithPaymentQuestion(
  question: PaymentQuestion,
  configurable: unknown,
): boolean {
  const scratchpad = findQuestionScratchpad(configurable)
  if (!scratchpad) return false
  const calls = interruptedCalls.get(scratchpad) ?? new Set()
  if (calls.has(question.call)) return false
  try {
    interrupt(question)
    return true
  } catch (error) {
    if (!isGraphInterrupt(error)) return false
    interruptedCalls.set(scratchpad, calls.add(question.call))
    throw error
  }
}

/**
 * Checks whether the task was resumed with a no. A task of several calls does not know which call a
 * no is for, so that the no counts for each of them.
 */
export function wasPaymentDeclined(configurable: unknown): boolean {
  const scratchpad = findQuestionScratchpad(configurable)
  return [...(scratchpad?.resume ?? []), scratchpad?.nullResume].some(
    (answer) =>
      answer === false ||
      (typeof answer === 'object' &&
        answer !== null &&
        'approved' in answer &&
        answer.approved === false),
  )
}

function findQuestionScratchpad(configurable: unknown): Scratchpad | undefined {
  if (typeof configurable !== 'object' || configurable === null) return undefined
  const found: unknown = Reflect.get(configurable, scratchpadKey)
  return typeof found === 'object' && found !== null ? found : undefined
}
