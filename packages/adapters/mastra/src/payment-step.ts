import {
  type ModelResult,
  payTool,
  requestId,
  type ToolCallsOptions,
  toolCalls,
} from '@bursar/core/session'
import type { RequestContext } from '@mastra/core/request-context'
import { createStep, type Step } from '@mastra/core/workflows'
import { openSchema } from './open-schema.ts'
import { progressTo } from './payment-progress.ts'
import {
  answerShape,
  type PaymentAnswer,
  type PaymentQuestion,
  payOrSuspend,
} from './payment-question.ts'
import type { PayArguments } from './payment-tools.ts'

/** What `paymentStep` takes: the options of `paymentTools`, and the step's own name. */
export interface PaymentStepOptions<Values = unknown>
  extends ToolCallsOptions<RequestContext<Values>> {
  /** The step's id; `pay_within_session` if left out. */
  readonly id?: string | undefined
}

/** A step of a workflow: a request goes in, and what a model would be told comes out. */
export type PaymentStep = Step<
  string,
  unknown,
  PayArguments,
  ModelResult,
  PaymentAnswer,
  PaymentQuestion
>

/**
 * Makes a step that pays within a session.
 *
 * In one run of a workflow a request is paid once by a step, however often the step is retried.
 * Refusals are results; where a human has to agree, the run is suspended with a `PaymentQuestion`.
 *
 * @example
 * createWorkflow({ id: 'report', inputSchema, outputSchema }).then(paymentStep({ session })).commit()
 */
export function paymentStep<Values = unknown>(options: PaymentStepOptions<Values>): PaymentStep {
  const { id = payTool.name, ...callsOptions } = options
  const calls = toolCalls(callsOptions)
  const step = createStep({
    id,
    description: 'Pays for a resource within a payment session.',
    inputSchema: openSchema<PayArguments>(payTool.inputSchema),
    outputSchema: openSchema<ModelResult>({ type: 'object' }),
    suspendSchema: openSchema<PaymentQuestion>({ type: 'object' }),
    resumeSchema: openSchema<PaymentAnswer>(answerShape),
    execute: async (run) => {
      const { inputData: input, runId, requestContext, abortSignal, writer } = run
      const call = {
        input,
        context: requestContext as RequestContext<Values>,
        id: await requestId(id, input),
        conversation: runId,
        signal: abortSignal,
        onProgress: progressTo(writer),
      }
      const { suspend, resumeData } = run
      return payOrSuspend(calls, call, { suspend, resumeData }) as Promise<ModelResult>
    },
  })
  return step as unknown as PaymentStep
}
