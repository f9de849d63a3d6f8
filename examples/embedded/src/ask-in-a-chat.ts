/**
 * A human is asked in a chat: the server finds what a tool call waits for, carries the end user's
 * yes, makes the same call again, and lets the model go on. It runs against the sandbox, and checks
 * itself.
 */

import { deepStrictEqual } from 'node:assert/strict'
import { paymentTools } from '@bursar/ai-sdk'
import type { ApprovalCard, EndUser, ModelResult, PaymentSession } from '@bursar/core'
import { toModelResult, toolRequest } from '@bursar/core/session'
import { generateText, type ModelMessage, stepCountIs } from 'ai'
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
/** A tool call of the model, as the AI SDK names its parts. */
interface ToolCall {
  readonly toolCallId: string
  readonly input: unknown
}

/** Asks the end user about a call that waits, and makes it again. Answers what the model is told. */
async function answerCall(
  endUser: EndUser,
  session: PaymentSession,
  { toolCallId: id, input }: ToolCall,
  confirm: (card: ApprovalCard) => Promise<boolean>,
): Promise<ModelResult> {
  const approval = await endUser.approvalOf({ session: session.id, conversation, id })
  if (approval?.state === 'waiting') {
    if (await confirm(approval.card)) await endUser.approve(approval.id)
    else await endUser.deny(approval.id)
  }
  const { request, ignored } = toolRequest(input)
  return toModelResult(await session.pay(request, { conversation, id, ignored }))
}

/** The history with another result of one call: the model reads what has come of it. */
function withResult(messages: ModelMessage[], id: string, result: ModelResult): ModelMessage[] {
  const output = { type: 'json' as const, value: JSON.parse(JSON.stringify(result)) }
  return messages.map((message) => {
    if (message.role !== 'tool') return message
    const content = message.content.map((part) =>
      part.type === 'tool-result' && part.toolCallId === id ? { ...part, output } : part,
    )
    return { ...message, content }
  })
}
// #endregion

// #region chat
const tools = paymentTools({ session, conversation })
const prompt: ModelMessage = { role: 'user', content: `What does ACME cost now? Ask ${resource}` }
const asked = await generateText({ model, messages: [prompt], tools, stopWhen: stepCountIs(8) })
// #endregion

const [call] = asked.steps.flatMap(({ toolCalls }) => toolCalls)
if (!call) throw new Error('The model called no tool.')
const shown: ApprovalCard[] = []
const say = async (card: ApprovalCard) => shown.push(card) > 0

// #region go-on
const result = await answerCall(bursar.endUser('alice'), session, call, say)
const history = withResult([prompt, ...asked.responseMessages], call.toolCallId, result)
const answered = await generateText({ model, messages: history, tools, stopWhen: stepCountIs(8) })
// #endregion

const again = await answerCall(bursar.endUser('alice'), session, call, say)
const { rows } = await bursar.auditing.payments()
await close()

deepStrictEqual(asked.text, 'It needs your approval.')
deepStrictEqual(
  shown.map(({ amount, agentSays }) => [amount, agentSays]),
  [['0.01', 'the price of ACME']],
)
deepStrictEqual(answered.text, 'ACME costs 103.40 USD.')
deepStrictEqual([result.status, again], ['paid', result])
deepStrictEqual(rows.length, 1)
console.log(`The model said: ${asked.text} Then it said: ${answered.text}`)
