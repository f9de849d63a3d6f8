import type { Asset, Funding, InstrumentSummary } from '@bursar/core'
import type { AddCommand } from '../command.ts'
import { formatTerminalTable } from '../terminal.ts'

/** Adds `bursar instruments`, which lists instruments, their assets and the address to fund. */
export const addInstruments: AddCommand = (program, context) => {
  const instruments = program
    .command('instruments')
    .summary('list instruments and assets')
    .description(
      'Lists the instruments of the configuration, which are wallets of end users, and the assets that they pay with.',
    )
  instruments
    .command('list')
    .summary('list the instruments')
    .description('Lists the instruments with their end users and addresses.')
    .action(() =>
      context.withGuard(async ({ administration }) => {
        const rows = await administration.instruments()
        const headings = ['HANDLE', 'END USER', 'ADDRESS']
        context.answer({ rows }, formatTerminalTable(headings, rows.map(formatInstrument)))
      }),
    )
  instruments
    .command('assets')
    .summary('list the assets')
    .description('Lists the assets that the guard pays with. It refuses every other asset.')
    .action(() =>
      context.withGuard(async ({ administration }) => {
        const rows = administration.assets()
        const headings = ['SYMBOL', 'CURRENCY', 'NETWORK', 'ADDRESS']
        context.answer({ rows }, formatTerminalTable(headings, rows.map(formatInstrumentAsset)))
      }),
    )
  instruments
    .command('funding')
    .summary('show how to fund an instrument')
    .description('Shows the address to fund an instrument at, and the assets to fund it with.')
    .argument('<instrument>', 'the handle of the instrument')
    .requiredOption('--end-user <name>', 'the end user who owns the instrument')
    .action((instrument, { endUser }) =>
      context.withGuard(async (bursar) => {
        const found = await bursar.endUser(endUser).funding(instrument)
        context.answer(found, describeInstrumentFunding(found))
      }),
    )
}

function formatInstrument({ handle, endUser, address }: InstrumentSummary): string[] {
  return [handle, endUser, address ?? 'unavailable']
}

function formatInstrumentAsset({ symbol, currency, network, address }: Asset): string[] {
  return [symbol, currency, network, address]
}

function describeInstrumentFunding({ address, assets, link }: Funding): string {
  const rows = assets.map((one) => [one.symbol, one.network, one.address])
  const lines = [`Send to ${address}:`, formatTerminalTable(['SYMBOL', 'NETWORK', 'ADDRESS'], rows)]
  return [...lines, ...(link === undefined ? [] : [`Or use the funding page ${link}`])].join('\n')
}
