import { askFirst, type Bursar, type EndUser, openWallet, type PaymentSession } from '@bursar/core'
import { startSandboxGuard } from '@bursar/example-sandbox-guard'

const guard = await startSandboxGuard()
const { url, host } = guard.sandbox.merchants.honest

/** The URL of a resource that costs 0.01 test dollars. */
export const resource: string = `${url}/quote`

export const bursar: Bursar = guard.bursar

export const alice: EndUser = bursar.endUser('alice')

/** The session given to the agent: its holder can pay within its limits, and do no more. */
export const session: PaymentSession = await openWallet({
  ...guard.parts,
  name: 'market-data',
  agent: 'researcher',
  endUser: 'alice',
  limits: { currency: 'USD', total: '1.00' },
  merchants: [{ host }],
  policies: [askFirst()], // Alice wants to be asked before a merchant is paid for the first time.
})

/** Ends the guard, and then the world that it paid in. */
export const close = (): Promise<void> => guard.close()
