import { BursarError } from '@bursar/core'
import { z } from 'zod'
import type { AddCommand } from '../command.ts'
import { readErrorCode } from '../exit-code.ts'
import { createParser } from '../flag-errors.ts'

const balanceField = z
  .string()
  .regex(/^\d{1,12}(\.\d{1,6})?$/, 'must be a decimal amount with at most six decimals')

/** Adds `bursar sandbox`, which runs a chain, a facilitator and merchants on this machine. */
export const addSandbox: AddCommand = (program, context) => {
  program
    .command('sandbox')
    .summary('start a paid world on this machine')
    .description(
      'Starts a chain, a test dollar, a facilitator, and honest and hostile merchants on this machine, with an account that holds ' +
        'test dollars, until it is interrupted. It needs the package @bursar/sandbox. What it prints with --json is what ' +
        'bursar init --sandbox reads.',
    )
    .option('--balance <dollars>', 'what the account holds', createParser(balanceField), '100.00')
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
    const message = 'The sandbox is a package of its own: npm install --save-dev @bursar/sandbox'
    throw new BursarError('package_missing', message, { cause: error })
  }
}
