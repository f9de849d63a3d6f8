import {
  type ModelResult,
  payTool,
  requestId,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import type { RequestContext } from '@mastra/core/request-context'
import { createStep, type Step } from '@mastra/core/workflows'
import { writeProgressTo } from './payment-progress.ts'
import {
  type PaymentAnswer,
  type PaymentQuestion,
  payOrSuspendWithQuestion,
} from './payment-question.ts'
import { type PayArguments, paymentSchemas } from './payment-schemas.ts'

/** The options of `paymentStep`: those of `paymentTools`, and the step's id. */
export interface PaymentStepOptions<Values = unknown>
  extends ToolCallsOptions<RequestContext<Values>> {
  /**
   * The step's id, unique in its workflow.
   *
   * @default 'pay_within_session'
   */
  readonly id?: string | undefined
}

/** A workflow step that takes a request and returns the result that a model would read. */
export type PaymentStep = Step<
  string,
  unknown,
  PayArguments,
  ModelResult,
  PaymentAnswer,
  PaymentQuestion
>

/**
 * Makes a workflow step that pays within a session.
 *
 * Within one run of a workflow the step pays once for a request, however often Mastra retries the
 * step. A denial is a result. If a payment needs a human's approval, the run is suspended with a
 * `PaymentQuestion`. Throws `invalid_input` if `conversation` is an empty string.
 *
 * @example
 * ```ts
 * import type { PaymentSession } from '@bursar/core'
 * import { paymentStep } from '@bursar/mastra'
 * import { createWorkflow } from '@mastra/core/workflows'
 * import { z } from 'zod'
 *
 * declare const session: PaymentSession
 *
 * const pay = paymentStep({ session })
 * const inputSchema = z.object({ url: z.string(), purpose: z.string() })
 * const outputSchema = z.object({ status: z.string() })
 * const workflow = createWorkflow({ id: 'report', inputSchema, outputSchema }).then(pay).commit()
 * ```
 */
export function paymentStep<Values = unknown>(options: PaymentStepOptions<Values>): PaymentStep {
  const { id = payTool.name, ...callsOptions } = options
  const calls = toolCalls(callsOptions)
  const step = createStep({
    id,
    description: 'Pays for a resource within a payment session.',
    ...paymentSchemas,
    execute: async (run) => {
      const { inputData: input, runId, requestContext, abortSignal, writer } = run
      const call = {
        input,
        context: requestContext as RequestContext<Values>,
        id: await requestId(id, input),
        conversation: runId,
        signal: abortSignal,
        onProgress: writeProgressTo(writer),
      }
      const { suspend, resumeData } = run
      return payOrSuspendWithQuestion(calls, call, { suspend, resumeData }) as Promise<ModelResult>
    },
  })
  return step as unknown as PaymentStep
}
