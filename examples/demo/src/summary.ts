import { formatAmount } from '@bursar/core'
import type { Visit } from './agent.ts'
import type { Settlement } from './settlement.ts'

/** What the demo came to: its last line with `--json`. Amounts are decimal dollars. */
export interface Summary {
  /** Payments that the agent was told were paid, delivered or not; each counts once. */
  readonly paid: number
  /** How often each code was the answer. */
  readonly denied: Readonly<Record<string, number>>
  /** Answers that said that the outcome was not known yet. */
  readonly inDoubt: number
  readonly chainSpent: string
  readonly ledgerSpent: string
  /** The most that was spent over any limit. */
  readonly overspend: string
  readonly auditVerified: boolean
}

/** Counts what happened, and adds up what both sides say. */
export function summarize(visits: readonly Visit[], settlement: Settlement): Summary {
  const results = visits.map(({ result }) => result)
  const receipts = new Set(results.flatMap(({ receipt }) => (receipt ? [receipt.id] : [])))
  const codes = results.flatMap(({ status, code }) =>
    status === 'denied' && code !== undefined ? [code] : [],
  )
  const denied: Record<string, number> = {}
  for (const code of codes.sort()) denied[code] = (denied[code] ?? 0) + 1
  return {
    paid: receipts.size,
    denied,
    inDoubt: results.filter(({ status }) => status === 'in_doubt').length,
    chainSpent: formatAmount(settlement.chainSpent),
    ledgerSpent: formatAmount(settlement.ledgerSpent),
    overspend: formatAmount(settlement.overspend),
    auditVerified: settlement.audit.ok,
  }
}
