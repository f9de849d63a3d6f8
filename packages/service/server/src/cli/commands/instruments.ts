import type { Asset, Funding, InstrumentSummary } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { formatTable } from '../terminal.ts'

/** Adds `bursar instruments`, which lists instruments, their assets and the address to fund. */
export const addInstruments: AddCommand = (program, context) => {
  const instruments = program
    .command('instruments')
    .summary('list what is spent from, and in what')
    .description('The wallets that the configuration names, and the assets that they pay in.')
  instruments
    .command('list')
    .summary('list the instruments')
    .description('Lists the instruments with their owners and addresses.')
    .action(() =>
      context.withGuard(async ({ administration }) => {
        const rows = await administration.instruments()
        const headings = ['HANDLE', 'END USER', 'ADDRESS']
        context.answer({ rows }, formatTable(headings, rows.map(formatInstrument)))
      }),
    )
  instruments
    .command('assets')
    .summary('list the assets')
    .description('Lists the assets that may be paid in. No other is ever paid.')
    .action(() =>
      context.withGuard(async ({ administration }) => {
        const rows = administration.assets()
        const headings = ['SYMBOL', 'CURRENCY', 'NETWORK', 'ADDRESS']
        context.answer({ rows }, formatTable(headings, rows.map(formatAsset)))
      }),
    )
  instruments
    .command('funding')
    .summary('tell where money can be put into one')
    .description('Tells where an end user can put money into an instrument, and in what.')
    .argument('<instrument>', 'its handle')
    .requiredOption('--end-user <name>', 'whose it is')
    .action((instrument, { endUser }) =>
      context.withGuard(async (bursar) => {
        const found = await bursar.endUser(endUser).funding(instrument)
        context.answer(found, describeFunding(found))
      }),
    )
}

function formatInstrument({ handle, endUser, address }: InstrumentSummary): string[] {
  return [handle, endUser, address ?? 'not told by its wallet']
}

function formatAsset({ symbol, currency, network, address }: Asset): string[] {
  return [symbol, currency, network, address]
}

function describeFunding({ address, assets, link }: Funding): string {
  const rows = assets.map((one) => [one.symbol, one.network, one.address])
  const lines = [`Send to ${address}:`, formatTable(['SYMBOL', 'NETWORK', 'ADDRESS'], rows)]
  return [...lines, ...(link === undefined ? [] : [`Or pay in at ${link}`])].join('\n')
}
