/**
 * An agent opens a narrower session for a sub-agent, which draws from its budget and ends with it. It
 * runs against the sandbox, and checks itself.
 */

import { deepStrictEqual, rejects } from 'node:assert/strict'
import type { PaymentSession } from '@bursar/core'
import { bursar, close, market } from './world.ts'

const delegation = await bursar.endUser('alice').grantDelegation({
  agent: 'editor',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: market.host }],
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '5.00' },
})
const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '1h',
  limits: { currency: 'USD', total: '0.10' },
})
const editor: PaymentSession = bursar.openSession(token)

// #region open
const { session: researcher, token: forElsewhere } = await editor.openChild({
  limits: { currency: 'USD', total: '0.03' },
  expiresIn: '10m',
})
// #endregion

// #region spend
const quote = await researcher.pay({ url: `${market.url}/quote`, purpose: 'the price' })
const article = await researcher.pay({ url: `${market.url}/article`, purpose: 'background' })
const left = await editor.status()
// #endregion

// #region elsewhere
const elsewhere = bursar.openSession(forElsewhere)
const prices = await elsewhere.pay({ url: `${market.url}/prices.csv`, purpose: 'the week' })
// #endregion

await rejects(
  editor.openChild({ limits: { currency: 'USD', total: '0.11' }, expiresIn: '10m' }),
  /limits\.total: must be at most 0\.10/,
)

// #region end
await editor.close() // ends the sub-agent's session as well
// #endregion

const late = await researcher.pay({ url: `${market.url}/item/1`, purpose: 'one more' })
const verified = await bursar.auditing.verify()
await close()

deepStrictEqual(
  [quote, article, prices, late].map((one) => ('code' in one ? one.code : one.status)),
  ['paid', 'session_limit_exceeded', 'paid', 'session_revoked'],
)
deepStrictEqual([left.remaining, left.payments], ['0.09', 1])
deepStrictEqual(verified.ok, true)
console.log(
  `The sub-agent paid twice, and the agent had ${left.remaining} USD left after the first.`,
)
