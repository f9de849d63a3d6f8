import {
  type ModelResult,
  payTool,
  requestId,
  type ToolCalls,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import type { RequestContext } from '@mastra/core/request-context'
import { createTool, type Tool, type ToolExecutionContext } from '@mastra/core/tools'
import { writeProgressTo } from './payment-progress.ts'
import {
  type PaymentAnswer,
  type PaymentQuestion,
  payOrSuspendWithQuestion,
} from './payment-question.ts'
import { type PayArguments, paymentSchemas } from './payment-schemas.ts'

/** The options of `paymentTools`. Its functions get the run's request context. */
export type PaymentToolsOptions<Values = unknown> = ToolCallsOptions<RequestContext<Values>>

/** The payment tool as a tool of Mastra. */
export type PaymentTool = Tool<
  PayArguments,
  ModelResult,
  PaymentQuestion,
  PaymentAnswer,
  ToolExecutionContext<PaymentQuestion, PaymentAnswer>,
  'pay_within_session'
>

/** The tools to give to an agent, or to `createStep`. */
export interface PaymentTools extends Record<string, PaymentTool> {
  pay_within_session: PaymentTool
}

/** The execution context of a tool. Some versions of Mastra do not declare the run's id. */
interface Execution extends ToolExecutionContext<PaymentQuestion, PaymentAnswer> {
  /** The id of the agent's run, which a resume keeps. */
  readonly runId?: string
}

/**
 * Makes the payment tool for Mastra.
 *
 * The tool never throws. A denial is a result that the model reads. A failure of the guard is the
 * result `failed`, and its cause goes to the operator as a process warning (`BursarWarning`). If a
 * payment needs a human's approval, the run is suspended with a `PaymentQuestion`. Without a
 * storage Mastra cannot suspend, and the result is `approval_required`. A background task pays
 * nothing. Throws `invalid_input` if `conversation` is an empty string.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core'
 * import { paymentTools } from '@bursar/mastra'
 * import { Agent } from '@mastra/core/agent'
 *
 * declare const session: PaymentSession
 *
 * const agent = new Agent({
 *   id: 'researcher',
 *   name: 'Researcher',
 *   instructions: 'Buy what the report needs.',
 *   model: 'openai/gpt-5',
 *   tools: paymentTools({ session }),
 * })
 * ```
 */
export function paymentTools<Values = unknown>(options: PaymentToolsOptions<Values>): PaymentTools {
  const calls = toolCalls(options)
  const tool = createTool({
    id: payTool.name,
    description: payTool.description,
    ...paymentSchemas,
    execute: (input, execution) => answerToolCall(calls, input, execution),
  })
  return { [payTool.name]: tool as unknown as PaymentTool }
}

async function answerToolCall<Values>(
  calls: ToolCalls<RequestContext<Values>>,
  input: PayArguments,
  execution: Execution,
): Promise<ModelResult | undefined> {
  const { agent, workflow, mastra, requestContext, abortSignal, writer, runId } = execution
  if (await isBackgroundToolCall(execution)) return backgroundDenial
  const suspendable = mastra?.getStorage() === undefined ? undefined : (agent ?? workflow)
  const call = {
    input,
    context: requestContext as RequestContext<Values>,
    id: agent?.toolCallId ?? (workflow && (await requestId(payTool.name, input))),
    conversation: agent ? (agent.threadId ?? runId) : workflow?.runId,
    signal: abortSignal,
    onProgress: writeProgressTo(writer),
  }
  const resumeData = (agent ?? workflow)?.resumeData
  return payOrSuspendWithQuestion(calls, call, { suspend: suspendable?.suspend, resumeData })
}

/**
 * Checks whether the call runs as a background task. Versions before 1.67 say so only in their task
 * list.
 */
async function isBackgroundToolCall({ agent, mastra, runId }: Execution): Promise<boolean> {
  if (agent?.isBackgroundTask) return true
  const manager = mastra?.backgroundTaskManager
  if (!manager || !agent || runId === undefined) return false
  // If the task list cannot be read, the idempotency key still lets the call pay only once.
  const tasks = await manager
    .listTasks({ runId, toolCallId: agent.toolCallId })
    .catch(() => ({ total: 0 }))
  return tasks.total > 0
}

/** The denial of a background task: Mastra retries a task by rules that a model may choose. */
const backgroundDenial: ModelResult = {
  status: 'denied',
  code: 'request_not_allowed',
  message: 'Payments cannot run in the background. Nothing was paid. Ask in the foreground.',
}
