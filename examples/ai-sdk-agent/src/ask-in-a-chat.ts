/**
 * A human is asked in a chat: the run stops at a payment that needs a yes, the server carries the
 * end user's answer to the guard and to the SDK, and the run goes on. It runs against the sandbox,
 * and checks itself.
 */

import { deepStrictEqual } from 'node:assert/strict'
import { paymentTools } from '@bursar/ai-sdk'
import type { ApprovalCard, EndUser } from '@bursar/core'
import { generateText, type ModelMessage, stepCountIs, type ToolApprovalResponse } from 'ai'
import { model, resource } from './sandbox.ts'
import { bursar, close, market } from './world.ts'

const conversation = 'chat-1'

const delegation = await bursar.endUser('alice').grantDelegation({
  agent: 'researcher',
  instrument: 'alice-wallet',
  expiresIn: '30d',
  merchants: [{ host: market.host }],
  ask: { always: true },
  consent: { how: 'settings page' },
  limits: { currency: 'USD', total: '20.00' },
})
const { token } = await bursar.management.createSession({
  delegation: delegation.id,
  expiresIn: '30m',
  limits: { currency: 'USD', total: '1.00' },
})
const session = bursar.openSession(token)

// #region server
/** Carries the end user's answer about one call to the guard, and answers it as the SDK has it. */
async function answerRequest(
  endUser: EndUser,
  { approvalId, toolCall }: { approvalId: string; toolCall: { toolCallId: string } },
  confirm: (card: ApprovalCard) => Promise<boolean>,
): Promise<ToolApprovalResponse> {
  const call = { session: session.id, conversation, id: toolCall.toolCallId }
  const approval = await endUser.approvalOf(call)
  const approved = approval?.state === 'waiting' && (await confirm(approval.card))
  if (approved) await endUser.approve(approval.id)
  else if (approval) await endUser.deny(approval.id)
  return { type: 'tool-approval-response', approvalId, approved }
}
// #endregion

// #region chat
const tools = paymentTools({ session, conversation, needsApproval: true })
const prompt: ModelMessage = { role: 'user', content: `What does ACME cost now? Ask ${resource}` }
const asked = await generateText({ model, messages: [prompt], tools, stopWhen: stepCountIs(8) })
// #endregion

const [request] = asked.content.filter((part) => part.type === 'tool-approval-request')
if (!request) throw new Error('Nobody was asked.')
const shown: ApprovalCard[] = []
const say = async (card: ApprovalCard) => shown.push(card) > 0

// #region go-on
const response = await answerRequest(bursar.endUser('alice'), request, say)
const history: ModelMessage[] = [
  prompt,
  ...asked.responseMessages,
  { role: 'tool', content: [response] },
]
const answered = await generateText({ model, messages: history, tools, stopWhen: stepCountIs(8) })
// #endregion

// A browser that sends its history twice pays once.
const again = await generateText({ model, messages: history, tools, stopWhen: stepCountIs(8) })
const { rows } = await bursar.auditing.payments()
await close()

deepStrictEqual(
  shown.map(({ amount, agentSays }) => [amount, agentSays]),
  [['0.01', 'the price of ACME']],
)
deepStrictEqual([answered.text, again.text], Array(2).fill('ACME costs 103.40 USD.'))
deepStrictEqual(rows.length, 1)
console.log(`Alice was asked for ${shown[0]?.amount} USD. Then the model said: ${answered.text}`)
