import { type CancelOptions, type CancelTarget, inputs } from '@bursar/core'
import { z } from 'zod'
import type { Input } from './operation.ts'

/** The body of a cancellation. It names exactly one payment, session or delegation. */
export const cancelBody: z.ZodType = z
  .strictObject({
    payment: z.string().optional(),
    session: z.string().optional(),
    delegation: z.string().optional(),
    reason: z.string().optional(),
    after: z.string().optional().describe('The `cursor` of the last response, to continue.'),
  })
  .superRefine((input, context) => {
    const { reason, after, ...target } = input
    for (const [schema, part] of [
      [inputs.cancelTarget, target],
      [inputs.cancelOptions, { reason, after }],
    ] as const) {
      const [issue] = schema.safeParse(part).error?.issues ?? []
      if (issue) context.addIssue({ code: 'custom', path: issue.path, message: issue.message })
    }
  })

/** Reads the validated body into the arguments of `cancel`. */
export function readCancelInput({ body }: Input): [CancelTarget, CancelOptions] {
  const { reason, after, ...target } = body as CancelOptions & CancelTarget
  return [target as CancelTarget, { reason, after }]
}
