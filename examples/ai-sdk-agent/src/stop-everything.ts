/**
 * A kill switch: nothing new is reserved, and what is signed already is cancelled where the rail can.
 * It runs against the sandbox, at a merchant that keeps signatures to use them later, and checks
 * itself.
 */

import { deepStrictEqual } from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createBursar, type EndUser } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { viemWallet } from '@bursar/wallet-viem'
import { x402 } from '@bursar/x402'
import { privateKeyToAccount } from 'viem/accounts'
import { account, assets, development, folder, sandbox } from './sandbox.ts'

const { rpcUrl } = sandbox
const { privateKey: relayerKey } = await sandbox.createRelayer()

// #region relayer
/** An account of its own, with a little ether for gas: not the wallet that the agent spends from. */
const relayer = privateKeyToAccount(relayerKey)

const bursar = createBursar({
  store: sqliteStore({ path: ':memory:' }),
  rails: [x402({ networks: { [sandbox.network]: { rpcUrl, relayer } } })],
  instruments: { 'alice-wallet': { endUser: 'alice', wallet: viemWallet({ account }) } },
  assets,
  development,
})
// #endregion

// #region stop
/** Ends every permission of an end user, and cancels what can still move. Answers what still can. */
async function stopEverything(endUser: EndUser, reason: string): Promise<number> {
  for (let after: string | undefined; ; ) {
    const page = await endUser.delegations({ after })
    for (const { id } of page.rows) await endUser.revokeDelegation(id, { reason })
    if (page.cursor === undefined) break
    after = page.cursor
  }
  const { payments } = await endUser.exposure()
  for (const delegation of new Set(payments.map((payment) => payment.delegation))) {
    let after: string | undefined
    do {
      const cancelled = await endUser.cancel({ delegation }, { reason, after })
      after = cancelled.cursor
    } while (after !== undefined)
  }
  return payments.length
}
// #endregion

const { withholds } = sandbox.merchants.hostile
const alice = bursar.endUser('alice')
const delegation = await alice.grantDelegation({
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: withholds.host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})
const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '1h',
  limits: { currency: 'USD', total: '1.00' },
})
const session = bursar.openSession(token)
const first = await session.pay({ url: `${withholds.url}/`, purpose: 'the price of ACME' })
const before = await alice.exposure()

const open = await stopEverything(alice, 'the laptop was stolen')
const settlements = await withholds.settleLater()
const second = await session.pay({ url: `${withholds.url}/?again`, purpose: 'once more' })

// #region prove
// The holds end when a block that cannot be undone has the cancellations.
await sandbox.mine(2)
await bursar.reconcile()
const after = await alice.exposure()
// #endregion

const audit = await bursar.auditing.verify()
const balance = await sandbox.balanceOf(account.address)
await bursar.close()
await sandbox.stop()
rmSync(folder, { recursive: true })

deepStrictEqual([first.status, 'code' in second && second.code], ['in_doubt', 'delegation_revoked'])
deepStrictEqual([before.payments.length, before.payments[0]?.cancellable, open], [1, true, 1])
deepStrictEqual(
  settlements.map(({ success }) => success),
  [false],
)
deepStrictEqual([after.payments, after.most, balance], [[], [], 10_000_000n])
deepStrictEqual(audit.ok, true)
console.log('Stopped. The merchant was too late, and nothing can move any more.')
