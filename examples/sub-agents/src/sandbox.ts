import { type Bursar, createBursar, type PaymentSession } from '@bursar/core'
import { startSandboxGuard } from '@bursar/example-sandbox-guard'

const guard = await startSandboxGuard()

/** A merchant of the sandbox; its free `/catalogue` says what costs what. */
export const market: { readonly host: string; readonly url: string } =
  guard.sandbox.merchants.honest

const { rail, wallet, ...parts } = guard.parts

export const bursar: Bursar = createBursar({
  ...parts,
  rails: [rail],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet } },
})

const delegation = await bursar.endUser('alice').grantDelegation({
  name: 'briefs',
  agent: 'editor',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: market.host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})

const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  name: 'briefs',
  expiresIn: '1h',
  limits: { currency: 'USD', total: '0.10' },
})

/** The supervisor's session: its holder can pay and open narrower child sessions, no more. */
export const supervisor: PaymentSession = bursar.openSession(token)

/** Ends the guard, and then the world that it paid in. */
export const close = (): Promise<void> => guard.close()
