import { formatAmount } from '@bursar/core'
import { auditText } from './checks.ts'
import { figureCell, type Page } from './page.ts'
import type { Settlement } from './settlement.ts'
import { type DemoWorld, delegated, funds } from './world.ts'

/** Prints the place and the parties of the demo. */
export function printOpening(
  page: Page,
  { sandbox, alice, policy }: DemoWorld,
  model: string,
): void {
  const row = (name: string, text: string): void =>
    page.row({ text: name, width: 8, look: 'dim' }, { text, width: 86 })
  page.line('An agent pays for real, within limits that it cannot move', 'bold')
  row('chain', `${sandbox.network}, on this machine`)
  row('dollar', `the token at ${sandbox.asset.address}`)
  row('Alice', `owns ${alice.address}, which holds ${funds} USD`)
  row('wallet', alice.keeper)
  row('permits', `the agent "researcher" to spend ${delegated} USD of it, at five shops`)
  if (policy) row('rules', `of house-rules.cedar, ${policy.name.slice(0, 22)}…`)
  row('model', model)
  row(
    'read',
    'what the model asks and why | what the guard decides and why | amount | what is left',
  )
}

/** Prints the chain's figures beside the ledger's, and the verification of the trail. */
export function printClosing(page: Page, settlement: Settlement): void {
  const row = (name: string, ...figures: readonly string[]): void =>
    page.row(
      { text: name, width: 24 },
      ...figures.map((text) =>
        text.includes('.') ? figureCell(text, 10) : { text, width: 10, right: true },
      ),
    )
  const { merchants, accounts, chainSpent, ledgerSpent, balanceLeft, held, overspend } = settlement
  const count = (counts: readonly number[]): string =>
    `${counts.reduce((sum, one) => sum + one, 0)}`
  page.line()
  page.line('The chain beside the ledger', 'bold')
  row('', 'transfers', 'on chain', 'payments', 'in ledger')
  for (const { name, transfers, onChain, payments, inLedger } of merchants) {
    row(name, `${transfers}`, formatAmount(onChain), `${payments}`, formatAmount(inLedger))
  }
  const transfers = count(merchants.map((one) => one.transfers))
  const payments = count(merchants.map((one) => one.payments))
  row('spent', transfers, formatAmount(chainSpent), payments, formatAmount(ledgerSpent))
  row('still held', '', '', '', formatAmount(held))
  row("left in Alice's wallet", '', formatAmount(balanceLeft))
  page.line()
  page.line('The chain beside the limits', 'bold')
  row('', '', 'on chain', '', 'limit')
  for (const { name, spent, total } of accounts) {
    row(name, '', formatAmount(spent), 'of', formatAmount(total))
  }
  row('over any limit', '', formatAmount(overspend))
  page.line()
  page.line('The audit trail', 'bold')
  const { audit } = settlement
  const records = audit.ok ? `: ${audit.records} records, each bound to the one before it` : ''
  page.row({ text: `${auditText(settlement)}${records}`, width: 96 })
  if (audit.ok && audit.head) {
    page.row({ text: `newest record ${audit.head.hash}`, width: 96, look: 'dim' })
  }
}
