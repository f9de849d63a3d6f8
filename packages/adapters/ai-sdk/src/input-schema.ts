import { type PayRequest, payTool } from '@bursar/core/session'
import type { FlexibleSchema } from 'ai'

/** The arguments that a model sends to the tool. */
export type PayArguments = Omit<PayRequest, 'headers'>

/**
 * The tool's arguments as a schema of the AI SDK. Every version of the SDK recognises a schema by
 * this symbol, so no version has to be imported at run time.
 *
 * Accepts any value: the guard parses the arguments, ignores and records unknown ones, and denies
 * the unusable ones. If the SDK refused them first, no refusal would be recorded.
 */
export const inputSchema: FlexibleSchema<PayArguments> = {
  [Symbol.for('vercel.ai.schema')]: true,
  jsonSchema: payTool.inputSchema,
  validate: (value: unknown) => ({ success: true, value }),
} as unknown as FlexibleSchema<PayArguments>
