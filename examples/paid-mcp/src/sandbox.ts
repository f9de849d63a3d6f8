import { openWallet, type PaymentSession, type PaymentSummary } from '@bursar/core'
import { startSandboxGuard } from '@bursar/example-sandbox-guard'
import { openPaidTools } from './paid-tools.ts'

const guard = await startSandboxGuard()
const { sandbox, bursar } = guard
/** Where the server is paid: it is the same at each start. */
const payee = '0x5e11e4000000000000000000000000000000c0de'
const tools = await openPaidTools({ ...sandbox, payee })

/** Where the server is, and what the agents' side calls it: a name that it has no say in. */
export const toolsUrl: URL = tools.url
export const server = 'tools.example'

/** The session given to the agents: its holder can pay within its limits, and do no more. */
// #region session
export const session: PaymentSession = await openWallet({
  ...guard.parts,
  name: 'paid-tools',
  agent: 'researcher',
  limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
  // The guard has not dialled the server, so that only who is paid counts: the payees have to be named.
  merchants: [{ host: server, payees: [payee] }],
})
// #endregion

/** Returns the payments in the ledger. */
export async function payments(): Promise<readonly PaymentSummary[]> {
  return (await bursar.auditing.payments()).rows
}

/** Returns the transfers to the merchant on the chain, in dollars, oldest first. */
export async function transfers(): Promise<readonly string[]> {
  const made = await sandbox.transfers()
  return made
    .filter(({ to }) => to.toLowerCase() === payee.toLowerCase())
    .map(({ value }) => (Number(value) / 1_000_000).toFixed(2))
}

/** Ends the guard, and then the world that it paid in. */
export async function close(): Promise<void> {
  await tools.close()
  await guard.close()
}
