import { z } from 'zod'
import { parseAmount } from './amount.ts'

/** A positive decimal string with at most six decimals, such as `'0.05'`. Parsed into micro-units. */
export const amountField: z.ZodType<bigint, string> = z.string().transform((text, context) => {
  const micro = parseAmount(text)
  if (micro !== undefined) return micro
  context.addIssue({
    code: 'custom',
    message: `must be a positive decimal string with at most six decimals, such as '0.05'`,
  })
  return z.NEVER
})
