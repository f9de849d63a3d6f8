import type { PaymentSession } from '@bursar/core'
import { startSandboxGuard } from '@bursar/example-sandbox-guard'

const guard = await startSandboxGuard()
const { url, host } = guard.sandbox.merchants.honest

const { bursar } = guard

const delegation = await bursar.endUser('alice').grantDelegation({
  agent: 'translator',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})

const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '30m',
  limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
})

/** The session given to existing code: its holder can pay within its limits, and do no more. */
export const session: PaymentSession = bursar.openSession(token)

export const marketUrl: string = url

/** Ends the guard, and then the world that it paid in. */
export const close = (): Promise<void> => guard.close()
