/**
 * A small budget first: it is raised when it has proved itself, and withdrawn at the end, with a look
 * at what can still move. It runs against the sandbox, and checks itself.
 */

import { deepStrictEqual } from 'node:assert/strict'
import { bursar, close, market, prove } from './world.ts'

// #region small
const delegation = await bursar.endUser('alice').grantDelegation({
  name: 'first-week', // the same grant under this name is made once
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: market.host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00', perPayment: '0.25' },
})

const { id, token } = await bursar.management.createSession({
  delegation: delegation.id,
  name: 'first-task',
  expiresIn: '1h',
  limits: { currency: 'USD', total: '0.02' },
})
// #endregion

const session = bursar.openSession(token)
const quote = await session.pay({ url: `${market.url}/quote`, purpose: 'the price of ACME' })
const tooMuch = await session.pay({ url: `${market.url}/prices.csv`, purpose: 'the week' })

// #region raise
await bursar.management.changeSession(id, {
  limits: { currency: 'USD', total: '1.00', perPayment: '0.10' },
  expiresIn: '8h', // from now on
  reason: 'the first day went well',
})
// #endregion

const prices = await session.pay({ url: `${market.url}/prices.csv`, purpose: 'the week' })
const tooDear = await session.pay({ url: `${market.url}/report.pdf`, purpose: 'to attach' })

// #region withdraw
const alice = bursar.endUser('alice')
await alice.revokeDelegation(delegation.id, { reason: 'the work is done' })
const exposure = await alice.exposure() // what can still move, to whom, and until when
// #endregion

const after = await session.pay({ url: `${market.url}/quote?again`, purpose: 'once more' })
await prove()
const proved = await alice.exposure()
const [ended] = (await alice.delegations()).rows
await close()

deepStrictEqual(
  [quote, tooMuch, prices, tooDear, after].map((one) => ('code' in one ? one.code : one.status)),
  ['paid', 'session_limit_exceeded', 'paid', 'payment_limit_exceeded', 'delegation_revoked'],
)
deepStrictEqual(exposure.most, [{ amount: '0.03', currency: 'USD' }])
deepStrictEqual(exposure.complete, true)
deepStrictEqual(proved.most, [])
deepStrictEqual([ended?.state, ended?.settled, ended?.held], ['revoked', '0.03', '0.00'])
console.log(`Spent ${ended?.settled} USD. Nothing can move any more.`)
