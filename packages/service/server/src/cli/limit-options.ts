import type { AskInput, LimitsInput, Spending, WindowSpan } from '@bursar/core'
import type { Command, OptionValues } from '@commander-js/extra-typings'
import { z } from 'zod'
import { createFlagListParser, createFlagParser } from './flag-errors.ts'

/** The option values that describe limits. The guard validates them. */
export type LimitOptions = PartLimitOptions & {
  readonly total: string
  readonly currency: string
}

/** The option values that change existing limits. A limit without an option stays as it is. */
export type LimitChangeOptions = PartLimitOptions & { readonly total?: string | undefined }

type PartLimitOptions = {
  readonly perPayment?: string | undefined
  readonly payments?: number | undefined
  readonly window?: readonly Window[] | undefined
}

/** The option values for the allowed merchants, and for payments that need an approval. */
export type RuleOptions = {
  readonly merchant?: readonly Merchant[] | undefined
  readonly askAbove?: string | undefined
  readonly askFirstPayment?: true | undefined
  readonly askAlways?: true | undefined
}

type Window = NonNullable<LimitsInput['windows']>[number]

interface Merchant {
  readonly host: string
  readonly payees?: readonly string[]
}

const countField = z
  .string()
  .regex(/^[1-9][0-9]{0,8}$/, 'must be a whole number above zero')
  .transform(Number)

/** Parses a window such as `hour=0.50`, a limit for any period of that length. */
const windowField: z.ZodType<Window, string> = z
  .string()
  .regex(/^[a-z-]+=[0-9.]+$/, 'must be a span and an amount, such as hour=0.50 or utc-day=20.00')
  .transform((text) => {
    const [per, amount] = text.split('=')
    return { per: per as WindowSpan, ...(amount === undefined ? {} : { amount }) }
  })

/**
 * Parses a merchant: a host such as `api.example.com`, or a host with its payees, such as
 * `api.example.com=0x…,0x…`.
 */
const merchantField: z.ZodType<Merchant, string> = z
  .string()
  .regex(
    /^[^=,\s]+(=[^=,\s]+(,[^=,\s]+)*)?$/,
    'must be a host, or a host with its payees: host=payee,payee',
  )
  .transform((text) => {
    const [host = '', payees] = text.split('=')
    return { host, ...(payees === undefined ? {} : { payees: payees.split(',') }) }
  })

/** Adds the options for new limits to a command. */
export function addLimitOptions<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
): Command<Args, Options & LimitOptions> {
  return addPartLimitOptions(
    command
      .requiredOption(...totalFlag)
      .option('--currency <code>', 'the currency of the amounts', DEFAULT_CURRENCY),
  ) as never
}

/** Adds the options that change existing limits to a command. */
export function addLimitChangeOptions<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
): Command<Args, Options & LimitChangeOptions> {
  return addPartLimitOptions(command.option(...totalFlag)) as never
}

const DEFAULT_CURRENCY = 'USD'
const totalFlag = ['--total <amount>', 'the most to spend in total, such as 20.00'] as const

function addPartLimitOptions<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
): Command<Args, Options & PartLimitOptions> {
  return command
    .option('--per-payment <amount>', 'the most for one payment')
    .option('--payments <number>', 'the most payments', createFlagParser(countField))
    .option(
      '--window <span=amount>',
      'the most to spend in any minute, hour or day, or in a utc-day; repeatable',
      createFlagListParser(windowField),
    ) as never
}

/** Adds the options for merchants and for approvals to a command. */
export function addRuleOptions<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
): Command<Args, Options & RuleOptions> {
  return addMerchantOption(command, '. Without it, each new merchant needs an approval')
    .option('--ask-above <amount>', 'require an approval above this amount')
    .option('--ask-first-payment', 'require an approval for the first payment to each merchant')
    .option('--ask-always', 'require an approval for every payment') as never
}

/** Adds the option for merchants to a command. */
export function addMerchantOption<Args extends unknown[], Options extends OptionValues>(
  command: Command<Args, Options>,
  without = '',
): Command<Args, Options & Pick<RuleOptions, 'merchant'>> {
  return command.option(
    '--merchant <host>',
    `an allowed merchant: a host, or host=payee,payee; repeatable${without}`,
    createFlagListParser(merchantField),
  ) as never
}

/** Returns the limits that the options describe. */
export function readLimits(options: LimitOptions): LimitsInput {
  const { total, currency } = options
  return { currency, total, ...readPartLimits(options) }
}

/**
 * Returns the complete new limits. A limit without an option keeps its value, so that no limit is
 * widened by leaving it out. Returns undefined if no option sets a limit.
 */
export function readChangedLimits(
  before: Spending['limits'] | undefined,
  options: LimitChangeOptions & Partial<Pick<LimitOptions, 'currency'>>,
): LimitsInput | undefined {
  const { total, currency } = options
  const named = {
    ...(currency === undefined ? {} : { currency }),
    ...(total === undefined ? {} : { total }),
    ...readPartLimits(options),
  }
  if (Object.keys(named).length === 0) return undefined
  return { currency: DEFAULT_CURRENCY, ...before, ...named } as LimitsInput
}

function readPartLimits({ perPayment, payments, window }: PartLimitOptions): Partial<LimitsInput> {
  return {
    ...(perPayment === undefined ? {} : { perPayment }),
    ...(payments === undefined ? {} : { payments }),
    ...(window === undefined ? {} : { windows: window }),
  }
}

/** Returns the allowed merchants and the approval rules that the options describe. */
export function readRuleOptions({ merchant, askAbove, askFirstPayment, askAlways }: RuleOptions): {
  readonly merchants?: readonly Merchant[]
  readonly ask?: AskInput
} {
  const ask = {
    ...(askAbove === undefined ? {} : { above: askAbove }),
    ...(askFirstPayment ? { firstPayment: askFirstPayment } : {}),
    ...(askAlways ? { always: askAlways } : {}),
  }
  return {
    ...(merchant === undefined ? {} : { merchants: merchant }),
    ...(Object.keys(ask).length === 0 ? {} : { ask }),
  }
}
