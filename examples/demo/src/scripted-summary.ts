import { overPriced } from './job.ts'
import type { Summary } from './summary.ts'
import type { DemoWorld } from './world.ts'

/** Returns the expected summary of the scripted run, to the cent. */
export function scriptedSummary(world: DemoWorld): Summary {
  const denied = {
    delegation_revoked: 1,
    duplicate_open: 1,
    payment_count_exceeded: 1,
    [overPriced(world)]: 1,
    session_expired: 1,
    session_limit_exceeded: 1,
  }
  return {
    paid: 11,
    denied: Object.fromEntries(Object.entries(denied).sort()),
    inDoubt: 1,
    chainSpent: '0.425',
    ledgerSpent: '0.425',
    overspend: '0.00',
    auditVerified: true,
  }
}
