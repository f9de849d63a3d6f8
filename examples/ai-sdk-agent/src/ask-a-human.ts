/**
 * A human is asked: a payment over an amount waits for the end user's yes, and the same call pays
 * then. Another one is denied. It runs against the sandbox, and checks itself.
 */

import { deepStrictEqual } from 'node:assert/strict'
import type { ApprovalCard, EndUser } from '@bursar/core'
import { bursar, close, market } from './world.ts'

// #region ask
const delegation = await bursar.endUser('alice').grantDelegation({
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: market.host }],
  ask: { above: '0.02' }, // or firstPayment: true, or always: true
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '20.00' },
})
// #endregion

const { id, token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '30m',
  limits: { currency: 'USD', total: '1.00' },
})
const session = bursar.openSession(token)

// #region waits
const article = { url: `${market.url}/article`, purpose: 'background for the brief' }
const call = { conversation: 'chat-1', id: 'call-1' }

const waiting = await session.pay(article, call) // 0.05 USD: it asks
// #endregion

// #region answer
/** For your server, after its own login: shows what waits to the end user, and carries the answer. */
async function answerAll(
  endUser: EndUser,
  confirm: (card: ApprovalCard) => Promise<boolean>,
): Promise<void> {
  const { rows } = await endUser.approvals({ waiting: true })
  for (const { id, card } of rows) {
    if (await confirm(card)) await endUser.approve(id)
    else await endUser.deny(id, { reason: 'the user said no' })
  }
}
// #endregion

const shown: string[] = []
const alice = bursar.endUser('alice')
const say = (yes: boolean) => async (card: ApprovalCard) => {
  shown.push(`${card.amount} ${card.currency} to ${card.merchant} for ${card.resource}`)
  return yes
}

const whileWaiting = await session.status()
await answerAll(alice, say(true))

// #region paid
const paid = await session.pay(article, call) // the same call, and the same terms: it pays
// #endregion

const report = { url: `${market.url}/report.pdf`, purpose: 'the report, to attach' }
const other = { ...call, id: 'call-2' }
const asked = await session.pay(report, other)
// #region one
const approval = await alice.approvalOf({ session: id, ...other })
// #endregion
await answerAll(alice, say(false))
const denied = await session.pay(report, other)
const small = await session.pay({ url: `${market.url}/quote`, purpose: 'the price' })
const { rows } = await bursar.auditing.read()
const verified = await bursar.auditing.verify()
await close()

deepStrictEqual(
  [waiting, paid, asked, denied, small].map(({ status }) => status),
  ['approval_required', 'paid', 'approval_required', 'denied', 'paid'],
)
deepStrictEqual('code' in denied && denied.code, 'approval_denied')
deepStrictEqual([whileWaiting.held, whileWaiting.payments], ['0.00', 0])
deepStrictEqual(shown, [
  `0.05 USD to ${market.host} for GET /article`,
  `0.25 USD to ${market.host} for GET /report.pdf`,
])
deepStrictEqual(approval?.state, 'waiting')
deepStrictEqual(
  rows.map(({ event }) => event.type).filter((type) => type.startsWith('approval-')),
  [
    'approval-requested',
    'approval-granted',
    'approval-used',
    'approval-requested',
    'approval-denied',
  ],
)
deepStrictEqual(verified.ok, true)
for (const one of shown) console.log(`Alice was asked for ${one}.`)
console.log(`The first was ${paid.status}, the second was ${denied.status}.`)
