import { z } from 'zod'
import { BursarError } from './errors.ts'

/** The longest handle, name or id: it has to fit on a line and in a database column. */
const MAX_NAME_LENGTH = 120

/** The longest text that people write, such as a reason or the evidence of consent. */
const MAX_TEXT_LENGTH = 1_000

/** Ten years: a longer permission is a mistake. */
const MAX_DURATION_MS = 10 * 366 * 86_400_000

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A duration such as `'30m'`: a whole number and s, m, h or d. Parsed into milliseconds. */
export const durationField: z.ZodType<number, string> = z.string().transform((text, context) => {
  const match = /^([1-9][0-9]{0,5})([smhd])$/.exec(text)
  const durationMs = match ? Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN) : Number.NaN
  if (durationMs <= MAX_DURATION_MS) return durationMs
  context.addIssue({ code: 'custom', message: `must be a duration such as '30m', '8h' or '30d'` })
  return z.NEVER
})

/** A handle or id of letters, digits and `. _ : @ + -`. */
export const nameField: z.ZodType<string, string> = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]*$/, 'must be letters, digits and . _ : @ + - only')

/** A short text for people, trimmed and not empty. */
export const textField: z.ZodType<string, string> = z.string().trim().min(1).max(MAX_TEXT_LENGTH)

/** An optional reason that a person gives for a change. */
export const reasonInput: z.ZodType<{ readonly reason?: string | undefined }> = z.strictObject({
  reason: textField.optional(),
})

/** An opaque cursor that an earlier page returned. */
export const pageCursorField: z.ZodType<string, string> = z.string().max(MAX_TEXT_LENGTH)

/** A page of a list: the store bounds `limit` and checks `after`. */
export const pageInput: z.ZodType<{
  readonly after?: string | undefined
  readonly limit?: number | undefined
}> = z.strictObject({
  after: pageCursorField.optional(),
  limit: z.number().int().min(1).optional(),
})

/** The owner of the rows to list. Strict, because a misspelt field would list everybody's rows. */
export const ownerInput: z.ZodType<OwnerFilter> = z.strictObject({
  session: nameField.optional(),
  delegation: nameField.optional(),
  endUser: nameField.optional(),
}) as z.ZodType<OwnerFilter>

/** The filter by owner. A read without it returns the rows of all owners. */
export interface OwnerFilter {
  readonly session?: string
  readonly delegation?: string
  readonly endUser?: string
}

/**
 * Parses input from outside. Throws `invalid_input` with one sentence that names `source`, the function
 * that the application called, and the first invalid field, and repeats no value.
 */
export function parseInputFields<Output>(
  schema: z.ZodType<Output, unknown>,
  input: unknown,
  source: string,
): Output {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'its argument'
  throw new BursarError(
    'invalid_input',
    `${source}: ${field}: ${issue?.message ?? 'is not valid'}.`,
  )
}
