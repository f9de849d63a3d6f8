/**
 * Code that exists already, with a client made from an API's description, pays for what it calls.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself.
 */
import { deepStrictEqual } from 'node:assert/strict'

// #region recipe

import { payingFetch } from '@bursar/core'
import createClient from 'openapi-fetch'
import type { paths } from './market-api.ts'
// The session comes from your own guard: this is the one line to change for real money.
import { close, marketUrl, session } from './sandbox-session.ts'

const market = createClient<paths>({ baseUrl: marketUrl, fetch: payingFetch(session) })

const quote = await market.GET('/quote')
const translation = await market.POST('/translate', { body: { text: 'good morning', to: 'fr' } })
const dataset = await market.GET('/dataset')

console.log(quote.data) // { symbol: 'ACME', price: '103.40', currency: 'USD' }
console.log(dataset.response.status, dataset.error?.code) // 402 payment_limit_exceeded
// #endregion

try {
  deepStrictEqual(quote.data, { symbol: 'ACME', price: '103.40', currency: 'USD' })
  deepStrictEqual(translation.data?.translation, 'bonjour')
  deepStrictEqual([dataset.response.status, dataset.data], [402, undefined])
  deepStrictEqual(dataset.error, {
    type: 'about:blank',
    title: 'Payment Required',
    status: 402,
    detail:
      'Payment of 5.00 USD is over the limit of 0.10 USD per payment. Ask for something cheaper.',
    code: 'payment_limit_exceeded',
    outcome: 'denied',
  })
  const { remaining, payments } = await session.status()
  deepStrictEqual({ remaining, payments }, { remaining: '0.96', payments: 2 })
} finally {
  await close()
}
