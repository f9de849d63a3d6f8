import { BursarError } from '@bursar/core'
import { z } from 'zod'
import type { AddCommand } from '../command.ts'
import { readErrorCode } from '../exit-code.ts'
import { createFlagParser } from '../flag-errors.ts'

const balanceField = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be a decimal amount with at most six decimals')

/** Adds `bursar sandbox`, which runs a chain, a facilitator and merchants on this machine. */
export const addSandbox: AddCommand = (program, context) => {
  program
    .command('sandbox')
    .summary('run a chain with merchants and test money on this machine')
    .description(
      'Runs a chain, a facilitator, and honest and hostile merchants on this machine until it is interrupted, with an account that holds ' +
        'test dollars. Needs the package @bursar/sandbox. Write the output with --json to a file for ' +
        'bursar init --sandbox.',
    )
    .option(
      '--balance <dollars>',
      'the balance of the account in test dollars',
      createFlagParser(balanceField),
      '100.00',
    )
    .action(async ({ balance }) => {
      const { terminal } = context
      // Listen for the signal before the sandbox starts, so that a signal at any time stops the
      // sandbox.
      const stopped = terminal.stopped()
      const { startSandbox, describeWorld, formatWorld } = await importSandbox()
      const sandbox = await startSandbox()
      try {
        const world = describeWorld(sandbox, await sandbox.createAccount(balance))
        context.answer(world, formatWorld(world).trimEnd())
        await stopped
      } finally {
        await sandbox.stop()
      }
    })
}

/**
 * Imports the sandbox, an optional package because it brings a chain. Throws `package_missing` if
 * it is not installed.
 */
async function importSandbox(): Promise<typeof import('@bursar/sandbox')> {
  try {
    return await import('@bursar/sandbox')
  } catch (error) {
    if (readErrorCode(error) !== 'ERR_MODULE_NOT_FOUND') throw error
    const message =
      'The package @bursar/sandbox is not installed. Install it: npm install --save-dev @bursar/sandbox'
    throw new BursarError('package_missing', message, { cause: error })
  }
}
