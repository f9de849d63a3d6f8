import { BursarError } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { addLimitChangeOptions, readChangedLimits } from '../limit-options.ts'

const endUserFlag = ['--end-user <name>', 'the end user whose limits they are'] as const

/** Adds `bursar limits`, which shows and sets an end user's limits across all agents. */
export const addLimits: AddCommand = (program, context) => {
  const limits = program
    .command('limits')
    .summary('show and set the limits of an end user across all agents')
    .description(
      'Shows and sets the limits of an end user across all agents and delegations. You act in the name of the end user, so get their consent first.',
    )
  limits
    .command('show')
    .summary('show the limits of an end user')
    .description('Shows the limits of an end user, and how much of them is used.')
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
      'Sets the limits of an end user. Earlier payments count toward them. A limit without an option stays as it is.',
    )
    .requiredOption(...endUserFlag)
    .option('--currency <code>', 'the currency of the amounts; default: the current one, or USD')
    .option('--reason <text>', 'the reason, for the audit trail')
  addLimitChangeOptions(set).action(({ endUser, reason, ...options }) =>
    context.withGuard(async (bursar) => {
      const self = bursar.endUser(endUser)
      const next = readChangedLimits((await self.limits())?.limits, options)
      if (!next)
        throw new BursarError(
          'invalid_input',
          'No limit is given. Add an option such as --total 20.00.',
        )
      const found = await self.setLimits(next, reason === undefined ? {} : { reason })
      const { remaining, limits: now } = found
      context.answer(found, `${endUser} has ${remaining} of ${now.total} ${now.currency} left.`)
    }),
  )
}
