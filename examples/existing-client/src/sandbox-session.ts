import { openWallet, type PaymentSession } from '@bursar/core'
import { startSandboxGuard } from '@bursar/example-sandbox-guard'

const { sandbox, parts, close: closeGuard } = await startSandboxGuard()
const { url, host } = sandbox.merchants.honest

/** The session given to existing code: its holder can pay within its limits, and do no more. */
export const session: PaymentSession = await openWallet({
  ...parts,
  name: 'translations',
  agent: 'translator',
  limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
  merchants: [{ host }],
})

export const marketUrl: string = url

/** Ends the guard, and then the world that it paid in. */
export const close = (): Promise<void> => closeGuard()
