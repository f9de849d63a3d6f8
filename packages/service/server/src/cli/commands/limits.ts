import { BursarError } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { addLimitChangeOptions, readChangedLimits } from '../limit-options.ts'

const endUserFlag = ['--end-user <name>', 'whose they are'] as const

/** Adds `bursar limits`, which shows and sets an end user's limits across all agents. */
export const addLimits: AddCommand = (program, context) => {
  const limits = program
    .command('limits')
    .summary('show and set what an end user may spend in all')
    .description(
      'What an end user may spend in all, over every agent and permission. Whoever runs this acts in the name of the end user, and has to have their word.',
    )
  limits
    .command('show')
    .summary('show the limits of an end user')
    .description('Shows the limits of an end user, and what of them is used.')
    .requiredOption(...endUserFlag)
    .action(({ endUser }) =>
      context.withGuard(async (bursar) => {
        const found = await bursar.endUser(endUser).limits()
        const text = found ? JSON.stringify(found, null, 2) : `${endUser} has set no limits.`
        context.answer({ limits: found ?? null }, text)
      }),
    )
  const set = limits
    .command('set')
    .summary('set the limits of an end user')
    .description(
      'Sets the limits of an end user, until they are set again. What was spent before counts. What is not named stays as it was.',
    )
    .requiredOption(...endUserFlag)
    .option('--currency <code>', 'the currency of the amounts: USD, or what it was')
    .option('--reason <text>', 'why, for the record')
  addLimitChangeOptions(set).action(({ endUser, reason, ...options }) =>
    context.withGuard(async (bursar) => {
      const self = bursar.endUser(endUser)
      const next = readChangedLimits((await self.limits())?.limits, options)
      if (!next) throw new BursarError('invalid_input', 'Name a limit, such as --total.')
      const found = await self.setLimits(next, reason === undefined ? {} : { reason })
      const { remaining, limits: now } = found
      context.answer(found, `${endUser} has ${remaining} of ${now.total} ${now.currency} left.`)
    }),
  )
}
