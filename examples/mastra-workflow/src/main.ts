/**
 * An agent of Mastra pays for what it needs, and so does a workflow, which is suspended where a
 * person has to agree, and goes on once the guard knows the answer.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself.
 */
import { deepStrictEqual } from 'node:assert/strict'

// #region agent

import { type PaymentQuestion, paymentStep, paymentTools } from '@bursar/mastra'
import { Agent } from '@mastra/core/agent'
import { Mastra } from '@mastra/core/mastra'
import { InMemoryStore } from '@mastra/core/storage'
import { createWorkflow } from '@mastra/core/workflows'
import { z } from 'zod'
// The guard of your own: see `examples/ai-sdk-agent`.
import { alice, bursar, close, prices, quote, session } from './sandbox.ts'
// For a real model this is the one line to change: const model = 'openai/gpt-5-mini'
import { model } from './scripted-model.ts'

const researcher = new Agent({
  id: 'researcher',
  name: 'Researcher',
  instructions: 'Find out what is asked, and buy it if you must.',
  model,
  tools: paymentTools({ session }),
})
// #endregion

// #region workflow
const inputSchema = z.object({ url: z.string(), purpose: z.string() })
const outputSchema = z.object({ status: z.string(), content: z.string().optional() })

const report = createWorkflow({ id: 'report', inputSchema, outputSchema })
  .then(paymentStep({ session, id: 'buy' }))
  .commit()

const mastra = new Mastra({
  agents: { researcher },
  workflows: { report },
  storage: new InMemoryStore(),
  logger: false,
})
// #endregion

// #region run
const { text } = await mastra.getAgent('researcher').generate(`What does ACME cost? Ask ${quote}`)
console.log(text) // ACME costs 103.40 USD.

const run = await mastra.getWorkflow('report').createRun()
const asked = await run.start({ inputData: { url: prices, purpose: 'the week of ACME' } })
// #endregion

// #region answer
const buy = asked.steps.buy as { readonly suspendPayload?: PaymentQuestion }
const { rows: waiting } = await alice.approvals({ waiting: true })
const approval = waiting.find(({ id }) => id === buy.suspendPayload?.approval)
console.log(approval?.card) // what Alice is shown: the amount, the merchant, what the agent says
if (approval) await alice.approve(approval.id) // or alice.deny(approval.id)

const ended = await run.resume({ step: 'buy', resumeData: { approved: true } })
// #endregion

try {
  deepStrictEqual(text, 'ACME costs 103.40 USD.')
  deepStrictEqual([asked.status, approval?.card.amount], ['suspended', '0.02'])
  deepStrictEqual(ended.status === 'success' && ended.result.status, 'paid')
  const { rows } = await bursar.auditing.payments()
  deepStrictEqual(rows.map(({ amount }) => amount).toSorted(), ['0.01', '0.02'])
} finally {
  await close()
}
