/**
 * A process that pays at the answering server: `node caller.ts PORT COUNT FIRST`. It writes a line of JSON for each
 * call. It has no listener for uncaught errors, so that one of them ends it.
 */
import { createBursar } from '@bursar/core'
import { fakeAsset, fakeChain, fakeRail, fakeWallet } from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'

/** The deadline of a request that is not paid. */
const DEADLINE_MS = 300

/** The calls at the same time. */
const CONCURRENCY = 24

const [port, count, first] = process.argv.slice(2).map(Number)
const host = `shop.localhost:${port}`
const chain = fakeChain()
const wallet = fakeWallet()
chain.mint(fakeAsset, await wallet.address('evm'), 10_000_000_000n)
const bursar = createBursar({
  store: sqliteStore({ path: ':memory:' }),
  rails: [fakeRail({ chain })],
  instruments: { wallet: { endUser: 'alice', wallet } },
  assets: [fakeAsset],
  development: { hosts: [host] },
  deadlineMs: DEADLINE_MS,
})

/** Makes one call in a delegation of its own, because doubts at one host would begin to ask. */
async function call(nth: number): Promise<void> {
  const limits = { currency: 'USD', total: '1.00' }
  const { id: delegation } = await bursar.endUser('alice').grantDelegation({
    ...{ agent: 'a', instrument: 'wallet', expiresIn: '1d', limits },
    ...{ merchants: [{ host }], consent: { how: 'test' } },
  })
  const { token } = await bursar.management.createSession({ delegation, limits })
  const session = bursar.openSession(token)
  const method = nth % 10 === 0 ? 'HEAD' : nth % 2 === 0 ? 'GET' : 'POST'
  const begun = performance.now()
  const { status } = await session.pay({ url: `http://${host}/${nth}`, method, purpose: '' })
  process.stdout.write(
    `${JSON.stringify({ nth, status, ms: Math.round(performance.now() - begun) })}\n`,
  )
}

let next = first ?? 0
const end = next + (count ?? 0)
await Promise.all(
  Array.from({ length: CONCURRENCY }, async () => {
    while (next < end) await call(next++)
  }),
)
await bursar.close()
