/**
 * The guard and the agent as two processes. The guard's holds the wallets and the ledger; the agent's
 * holds a key and a token of its own, and nothing else that is worth stealing.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself. For a real
 * model, and for real money, `agent.ts` and `bursar.config.ts` name the one line to change.
 */
import { deepStrictEqual, rejects } from 'node:assert/strict'
import { connect, connectEndUser, connectManagement } from '@bursar/client'
import { startProcess } from './child-process.ts'
import { openWorld } from './world.ts'

const world = await openWorld()
const { sandbox } = world
const { host, url: market } = sandbox.merchants.honest

try {
  // #region service
  const keys = await world.issueKeys() // on the ledger, before the guard runs
  const guard = await world.startGuard()
  const { url } = guard
  // #endregion

  // #region delegation
  const alice = connectEndUser({ url, key: keys.alice.key })
  const delegation = await alice.grantDelegation({
    agent: 'researcher',
    instrument: 'alice-wallet',
    expiresIn: '30d',
    merchants: [{ host }],
    consent: { how: 'settings page' },
    limits: { currency: 'USD', total: '5.00' },
  })
  // #endregion

  // #region session
  const application = connectManagement({ url, key: keys.application.key })
  const { token, id } = await application.createSession({
    delegation: delegation.id,
    expiresIn: '30m',
    limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
    payer: keys.agent.id, // the token is of use to this key's holder only
  })
  // #endregion

  // #region process
  const agent = startProcess('./agent.ts', {
    BURSAR_URL: url,
    BURSAR_KEY: keys.agent.key,
    BURSAR_TOKEN: token,
    RESOURCE: `${market}/quote`,
  })
  console.log(await agent.firstLine) // ACME costs 103.40 USD.
  // #endregion

  deepStrictEqual(await agent.firstLine, 'ACME costs 103.40 USD.')
  deepStrictEqual(await agent.ended, 0)
  const { rows } = await alice.payments()
  deepStrictEqual(
    rows.map((payment) => [payment.amount, payment.merchant, payment.session]),
    [['0.01', host, id]],
  )
  deepStrictEqual(await sandbox.balanceOf(world.alice.address), 9_990_000n)
  deepStrictEqual(await sandbox.balanceOf(world.bob.address), 10_000_000n)
  // The application has seen the token, and cannot pay with it.
  const stolen = connect({ url, key: keys.application.key, token })
  await rejects(stolen.pay({ url: `${market}/quote`, purpose: 'theft' }), { code: 'forbidden' })
  guard.kill('SIGTERM')
  deepStrictEqual(await guard.ended, 0)
} finally {
  await world.stop()
}
