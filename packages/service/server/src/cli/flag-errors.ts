import { type CommandUnknownOpts, InvalidArgumentError } from '@commander-js/extra-typings'
import type { z } from 'zod'

/** A parser for an option or an argument: what it refuses is told with the option's name. */
export function createParser<Output>(schema: z.ZodType<Output, unknown>): (text: string) => Output {
  return (text) => {
    const parsed = schema.safeParse(text)
    if (parsed.success) return parsed.data
    throw new InvalidArgumentError(`${parsed.error.issues[0]?.message ?? 'Not valid'}.`)
  }
}

/** The same for an option that may be given many times. */
export function createListParser<Output>(
  schema: z.ZodType<Output, unknown>,
): (text: string, before: readonly Output[] | undefined) => readonly Output[] {
  const parse = createParser(schema)
  return (text, before = []) => [...before, parse(text)]
}

/** What the guard refuses with: the call, the field, and what is wrong with it. */
const refusal = /^\w+: ([\w.]+): (.+)$/s

/** Names the option instead of the field, where the field came from one. */
export function nameFlag(command: CommandUnknownOpts | undefined, message: string): string {
  const [, field = '', problem = ''] = refusal.exec(message) ?? []
  // `limits.total` is --total, `merchants.0.host` is --merchant, and `ask.above` is --ask-above.
  const path = field.split('.')
  const joined = field.replace(/\.(\w)/g, (_all, letter: string) => letter.toUpperCase())
  const parts = [joined, ...path.toReversed().flatMap((part) => [part, part.replace(/s$/, '')])]
  const option = parts
    .map((part) => command?.options.find((one) => one.attributeName() === part))
    .find((one) => one !== undefined)
  return option ? `${option.long}: ${problem}` : message
}
