import { interrupt, isGraphInterrupt } from '@langchain/langgraph'

/**
 * What the graph stops with where a human has to agree: the value of the interrupt.
 *
 * It is a question and nothing more. Show the card that the guard has for it, and record the answer
 * with the end user's facet, `approve(approval)` or `deny(approval)`; then resume. Resumed
 * with whatever yes and without a recorded answer, it stops with the same question again; resumed
 * with `false` or `{ approved: false }`, it pays nothing whatever was recorded.
 */
export interface PaymentQuestion {
  readonly tool: 'pay_within_session'
  /** The tool call's id. */
  readonly call?: string
  /** The approval's id. What it is for, the guard says: a graph's state can be edited. */
  readonly approval: string
  /** ISO 8601, UTC. */
  readonly expiresAt: string
}

/** The part of LangGraph's record of a running task that is read here: one object for each run of it. */
interface Scratchpad {
  /** What the task was resumed with, oldest first. */
  readonly resume?: readonly unknown[]
  /** What the graph was resumed with, until a task has taken it. */
  readonly nullResume?: unknown
}

const scratchpadKey = '__pregel_scratchpad'

/** Which calls have stopped which run of a task. */
const stopped = new WeakMap<Scratchpad, Set<string | undefined>>()

/**
 * Stops the graph with a question. Answers `true` where the graph was resumed from it, and `false`
 * where nothing can stop: outside a graph, without a checkpointer, or under a wrapper that has
 * swallowed the interrupt and runs the tool again, as `toolRetryMiddleware` does.
 */
export function stopWith(question: PaymentQuestion, configurable: unknown): boolean {
  const task = scratchpadOf(configurable)
  if (!task) return false
  const calls = stopped.get(task) ?? new Set()
  if (calls.has(question.call)) return false
  try {
    interrupt(question)
    return true
  } catch (error) {
    if (!isGraphInterrupt(error)) return false
    stopped.set(task, calls.add(question.call))
    throw error
  }
}

/**
 * Whether the task was resumed with a no. Tasks that run several calls do not know whose it was:
 * then it is a no to each of them.
 */
export function wasDeclined(configurable: unknown): boolean {
  const task = scratchpadOf(configurable)
  return [...(task?.resume ?? []), task?.nullResume].some(
    (answer) =>
      answer === false ||
      (typeof answer === 'object' &&
        answer !== null &&
        'approved' in answer &&
        answer.approved === false),
  )
}

function scratchpadOf(configurable: unknown): Scratchpad | undefined {
  if (typeof configurable !== 'object' || configurable === null) return undefined
  const found: unknown = Reflect.get(configurable, scratchpadKey)
  return typeof found === 'object' && found !== null ? found : undefined
}
