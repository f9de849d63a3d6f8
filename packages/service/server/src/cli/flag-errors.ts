import { type CommandUnknownOpts, InvalidArgumentError } from '@commander-js/extra-typings'
import type { z } from 'zod'

/** Creates the parser of an option or argument. Its errors name the option. */
export function createFlagParser<Output>(
  schema: z.ZodType<Output, unknown>,
): (text: string) => Output {
  return (text) => {
    const parsed = schema.safeParse(text)
    if (parsed.success) return parsed.data
    throw new InvalidArgumentError(`${parsed.error.issues[0]?.message ?? 'Not valid'}.`)
  }
}

/** Creates the parser of an option that can be given several times. Its errors name the option. */
export function createFlagListParser<Output>(
  schema: z.ZodType<Output, unknown>,
): (text: string, before: readonly Output[] | undefined) => readonly Output[] {
  const parse = createFlagParser(schema)
  return (text, before = []) => [...before, parse(text)]
}

/** The form of the guard's error messages: the method, the field and the problem. */
const refusal = /^\w+: ([\w.]+): (.+)$/s

/**
 * Replaces the field in an error message by the option that set it. Returns the message as it is if
 * no option did.
 */
export function nameFlag(command: CommandUnknownOpts | undefined, message: string): string {
  const [, field = '', problem = ''] = refusal.exec(message) ?? []
  // The field `limits.total` belongs to --total, `merchants.0.host` to --merchant, and `ask.above`
  // to --ask-above.
  const path = field.split('.')
  const joined = field.replace(/\.(\w)/g, (_all, letter: string) => letter.toUpperCase())
  const parts = [joined, ...path.toReversed().flatMap((part) => [part, part.replace(/s$/, '')])]
  const option = parts
    .map((part) => command?.options.find((one) => one.attributeName() === part))
    .find((one) => one !== undefined)
  return option ? `${option.long}: ${problem}` : message
}
