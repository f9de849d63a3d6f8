/**
 * An agent of LangChain wants to pay, and a person is asked first: the graph stops with an interrupt,
 * the person answers in the guard, and the graph goes on.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself.
 */
import { deepStrictEqual } from 'node:assert/strict'

// #region agent

import { type PaymentQuestion, paymentTools } from '@bursar/langchain'
import { Command, MemorySaver } from '@langchain/langgraph'
import { createAgent } from 'langchain'
// The guard of your own: see `examples/ai-sdk-agent`.
import { alice, bursar, close, resource, session } from './sandbox.ts'
// For a real model this is the one line to change: const model = 'anthropic:claude-sonnet-4-5'
import { model } from './scripted-model.ts'

const agent = createAgent({
  model,
  tools: paymentTools({ session }),
  checkpointer: new MemorySaver(),
})

const thread = { configurable: { thread_id: 'chat-1' } }
const prompt = { role: 'user', content: `What does ACME cost now? Ask ${resource}` }
const asked = await agent.invoke({ messages: [prompt] }, thread)
// #endregion

// #region answer
const { __interrupt__: [question] = [] } = asked as { __interrupt__?: { value: PaymentQuestion }[] }
const call = { session: session.id, conversation: 'chat-1', id: question?.value.call ?? '' }

const approval = await alice.approvalOf(call)
console.log(approval?.card) // what Alice is shown: the amount, the merchant, what the agent says
if (approval) await alice.approve(approval.id) // or alice.deny(approval.id)

const answered = await agent.invoke(new Command({ resume: { approved: true } }), thread)
console.log(answered.messages.at(-1)?.content) // ACME costs 103.40 USD.
// #endregion

try {
  deepStrictEqual(question?.value.approval, approval?.id)
  const { amount, currency, agentSays } = approval?.card ?? {}
  deepStrictEqual([amount, currency, agentSays], ['0.01', 'USD', 'the price of ACME'])
  deepStrictEqual(answered.messages.at(-1)?.content, 'ACME costs 103.40 USD.')
  const { rows } = await bursar.auditing.payments()
  deepStrictEqual(
    rows.map((payment) => [payment.amount, payment.purpose]),
    [['0.01', 'the price of ACME']],
  )
} finally {
  await close()
}
