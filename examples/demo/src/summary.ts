import { formatAmount } from '@bursar/core'
import type { ToolCall } from './agent.ts'
import type { Settlement } from './settlement.ts'

/** The last line of the demo with `--json`. Amounts are decimal dollars. */
export interface Summary {
  /** Payments that the agent was told were paid, delivered or not; each counts once. */
  readonly paid: number
  /** The number of answers with each code. */
  readonly denied: Readonly<Record<string, number>>
  /** The answers that left the outcome open. */
  readonly inDoubt: number
  readonly chainSpent: string
  readonly ledgerSpent: string
  /** The most that was spent over any limit. */
  readonly overspend: string
  readonly auditVerified: boolean
}

/** Counts the results, and adds up the amounts of both sides. */
export function summarize(toolCalls: readonly ToolCall[], settlement: Settlement): Summary {
  const results = toolCalls.map(({ result }) => result)
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
