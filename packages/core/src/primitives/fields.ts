import { z } from 'zod'
import { BursarError } from './errors.ts'

/** Longest handle, name or id that is accepted: names are for people and for columns. */
const MAX_NAME_LENGTH = 120

/** Longest text such as a reason or the evidence of consent. */
const MAX_TEXT_LENGTH = 1_000

/** Ten years: whatever is open longer is not a permission but a mistake. */
const MAX_DURATION_MS = 10 * 366 * 86_400_000

const unitMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A duration as people write it: a whole number and s, m, h or d. Read into milliseconds. */
export const durationField: z.ZodType<number, string> = z.string().transform((text, context) => {
  const match = /^([1-9][0-9]{0,5})([smhd])$/.exec(text)
  const durationMs = match ? Number(match[1]) * (unitMs[match[2] ?? ''] ?? Number.NaN) : Number.NaN
  if (durationMs <= MAX_DURATION_MS) return durationMs
  context.addIssue({ code: 'custom', message: `must be a duration such as '30m', '8h' or '30d'` })
  return z.NEVER
})

/** A handle or id: visible ASCII without spaces, quotes or slashes. */
export const nameField: z.ZodType<string, string> = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]*$/, 'must be letters, digits and . _ : @ + - only')

/** A short text for people. */
export const textField: z.ZodType<string, string> = z.string().trim().min(1).max(MAX_TEXT_LENGTH)

/** A reason that people give; left out is fine. */
export const reasonInput: z.ZodType<{ readonly reason?: string | undefined }> = z.strictObject({
  reason: textField.optional(),
})

/** A cursor that a list or a page answered. */
export const pageCursorField: z.ZodType<string, string> = z.string().max(MAX_TEXT_LENGTH)

/** Which page of a list: the store clamps the limit, and knows its own cursors. */
export const pageInput: z.ZodType<{
  readonly after?: string | undefined
  readonly limit?: number | undefined
}> = z.strictObject({
  after: pageCursorField.optional(),
  limit: z.number().int().min(1).optional(),
})

/** Whose rows: a name that is misspelt must not list everybody's. */
export const ownerInput: z.ZodType<OwnerFilter> = z.strictObject({
  session: nameField.optional(),
  delegation: nameField.optional(),
  endUser: nameField.optional(),
}) as z.ZodType<OwnerFilter>

/** Whose rows a read is about. */
export interface OwnerFilter {
  readonly session?: string
  readonly delegation?: string
  readonly endUser?: string
}

/**
 * Parses what came from outside, or throws `invalid_input` with one sentence that names the field.
 * `what` is the name of the call or object that people know, for example `createSession`.
 */
export function parseInput<Output>(
  schema: z.ZodType<Output, unknown>,
  input: unknown,
  what: string,
): Output {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.map(String).join('.') || 'its argument'
  throw new BursarError('invalid_input', `${what}: ${field}: ${issue?.message ?? 'is not valid'}.`)
}
