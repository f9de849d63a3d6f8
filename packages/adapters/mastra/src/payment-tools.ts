import {
  type ModelResult,
  type PayRequest,
  payTool,
  requestId,
  type ToolCalls,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import type { RequestContext } from '@mastra/core/request-context'
import { createTool, type Tool, type ToolExecutionContext } from '@mastra/core/tools'
import { openSchema } from './open-schema.ts'
import { progressTo } from './payment-progress.ts'
import {
  answerShape,
  type PaymentAnswer,
  type PaymentQuestion,
  payOrSuspend,
} from './payment-question.ts'

/** What `paymentTools` takes. The functions are given the run's request context. */
export type PaymentToolsOptions<Values = unknown> = ToolCallsOptions<RequestContext<Values>>

/** What a model sends to the tool. */
export type PayArguments = Omit<PayRequest, 'headers'>

/** A tool of Mastra. */
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

/** The parts of a call that Mastra hands to a tool; its versions differ in what they name. */
interface Execution extends ToolExecutionContext<PaymentQuestion, PaymentAnswer> {
  /** The run of the agent: it stays the same when the run is resumed. */
  readonly runId?: string
}

/**
 * Makes the payment tool for Mastra.
 *
 * Refusals are results that the model reads, and nothing is thrown to it. A failure of the guard is
 * a result, too, `failed`, without its cause, which goes to the operator as a process warning.
 * Where a human has to agree, the run is suspended with a `PaymentQuestion`; without a storage,
 * which that needs, the result is `approval_required`. A background task pays nothing.
 * Throws `invalid_input` for a `conversation` that can name none.
 *
 * @example
 * const tools = paymentTools({ session: bursar.openSession(token) })
 * const agent = new Agent({ id: 'researcher', name: 'Researcher', instructions, model, tools })
 */
export function paymentTools<Values = unknown>(options: PaymentToolsOptions<Values>): PaymentTools {
  const calls = toolCalls(options)
  const tool = createTool({
    id: payTool.name,
    description: payTool.description,
    inputSchema: openSchema<PayArguments>(payTool.inputSchema),
    outputSchema: openSchema<ModelResult>({ type: 'object' }),
    // With it Mastra carries out the calls of a step one after the other. Suspended by two calls at
    // once, a run cannot be resumed from either.
    suspendSchema: openSchema<PaymentQuestion>({ type: 'object' }),
    resumeSchema: openSchema<PaymentAnswer>(answerShape),
    execute: (input, execution) => answer(calls, input, execution),
  })
  return { [payTool.name]: tool as unknown as PaymentTool }
}

async function answer<Values>(
  calls: ToolCalls<RequestContext<Values>>,
  input: PayArguments,
  execution: Execution,
): Promise<ModelResult | undefined> {
  const { agent, workflow, mastra, requestContext, abortSignal, writer, runId } = execution
  if (await isBackgroundTask(execution)) return inBackground
  const suspendable = mastra?.getStorage() === undefined ? undefined : (agent ?? workflow)
  const call = {
    input,
    context: requestContext as RequestContext<Values>,
    id: agent?.toolCallId ?? (workflow && (await requestId(payTool.name, input))),
    conversation: agent ? (agent.threadId ?? runId) : workflow?.runId,
    signal: abortSignal,
    onProgress: progressTo(writer),
  }
  const resumeData = (agent ?? workflow)?.resumeData
  return payOrSuspend(calls, call, { suspend: suspendable?.suspend, resumeData })
}

/** Before its version 1.67 Mastra does not tell a tool that it runs as a task: it is asked then. */
async function isBackgroundTask({ agent, mastra, runId }: Execution): Promise<boolean> {
  if (agent?.isBackgroundTask) return true
  const manager = mastra?.backgroundTaskManager
  if (!manager || !agent || runId === undefined) return false
  // Where its store does not answer, the call is still paid once, by its key.
  const found = await manager.listTasks({ runId, toolCallId: agent.toolCallId }).catch(() => none)
  return found.total > 0
}

const none = { total: 0 }

/** A task that nobody waits for is tried again by rules that a model may choose. */
const inBackground: ModelResult = {
  status: 'denied',
  code: 'request_not_allowed',
  message: 'Payments cannot run in the background. Nothing was paid. Ask in the foreground.',
}
