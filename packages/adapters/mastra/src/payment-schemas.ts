import { type ModelResult, type PayRequest, payTool } from '@bursar/core/session'
import type { StandardSchemaWithJSON } from '@mastra/core/schema'
import type { PaymentAnswer, PaymentQuestion } from './payment-question.ts'

/** The arguments that a model sends to the tool, and the input of the step. */
export type PayArguments = Omit<PayRequest, 'headers'>

/** The schemas that the tool and the step give to Mastra. */
export interface PaymentSchemas {
  readonly inputSchema: StandardSchemaWithJSON<PayArguments>
  readonly outputSchema: StandardSchemaWithJSON<ModelResult>
  readonly suspendSchema: StandardSchemaWithJSON<PaymentQuestion>
  readonly resumeSchema: StandardSchemaWithJSON<PaymentAnswer>
}

export const paymentSchemas: PaymentSchemas = {
  inputSchema: openPaymentSchema(payTool.inputSchema),
  outputSchema: openPaymentSchema({ type: 'object' }),
  // With a schema for suspending, Mastra runs the calls of a step in turn. A run that two calls
  // suspend at once cannot be resumed from either.
  suspendSchema: openPaymentSchema({ type: 'object' }),
  resumeSchema: openPaymentSchema({
    type: 'object',
    properties: { approved: { type: 'boolean' } },
    required: ['approved'],
  }),
}

/**
 * Makes a schema for Mastra that describes a shape and accepts any value.
 *
 * The guard parses a model's arguments, ignores and records unknown ones, and denies the unusable
 * ones. A refusal by Mastra would not be recorded, and a refused result would already be paid.
 */
function openPaymentSchema<Value>(shape: object): StandardSchemaWithJSON<Value> {
  const jsonSchema = (): Record<string, unknown> => structuredClone(shape) as never
  return {
    '~standard': {
      version: 1,
      vendor: 'bursar',
      validate: (value) => ({ value: value as Value }),
      jsonSchema: { input: jsonSchema, output: jsonSchema },
    },
  }
}
