import type { Bursar, EndUser, PaymentSession } from '@bursar/core'
import { startSandboxGuard } from '@bursar/example-sandbox-guard'

const guard = await startSandboxGuard()
const { url, host } = guard.sandbox.merchants.honest

/** The URL of a resource that costs 0.01 test dollars. */
export const resource: string = `${url}/quote`

export const bursar: Bursar = guard.bursar

export const alice: EndUser = bursar.endUser('alice')

// Alice lets the agent spend, and wants to be asked each time.
const delegation = await alice.grantDelegation({
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host }],
  ask: { always: true },
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})

const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '30m',
  limits: { currency: 'USD', total: '1.00' },
})

/** The session given to the agent: its holder can pay within its limits, and do no more. */
export const session: PaymentSession = bursar.openSession(token)

/** Ends the guard, and then the world that it paid in. */
export const close = (): Promise<void> => guard.close()
