import { payTool } from '@bursar/core/session'
import type { FlexibleSchema } from 'ai'
import type { PayArguments } from './payment-tools.ts'

/**
 * The arguments of the tool as the AI SDK knows schemas, made without importing the SDK at run time:
 * its versions recognise a schema by this mark, whichever of them an application has.
 *
 * It takes whatever a model sends. The guard reads it, ignores and records what it does not know,
 * and denies what it cannot use; a refusal here would teach the model nothing and be recorded nowhere.
 */
export const inputSchema: FlexibleSchema<PayArguments> = {
  [Symbol.for('vercel.ai.schema')]: true,
  jsonSchema: payTool.inputSchema,
  validate: (value: unknown) => ({ success: true, value }),
} as unknown as FlexibleSchema<PayArguments>
