/**
 * A supervisor hands tasks to sub-agents. Each gets a session of its own, narrower than the
 * supervisor's, drawn from the same budget, and ended with it.
 *
 * It runs against the sandbox, without a key and without the network, and checks itself.
 */
import { deepStrictEqual } from 'node:assert/strict'

// #region supervise

import { paymentTools } from '@bursar/ai-sdk'
import { BursarError } from '@bursar/core'
import { generateText, stepCountIs, tool } from 'ai'
import { z } from 'zod'
// The guard of your own: see `examples/ai-sdk-agent`.
import { bursar, close, market, supervisor } from './sandbox.ts'
// For real models this is the one line to change: const editing = 'openai/gpt-5', researching = () => 'openai/gpt-5-mini'
import { editing, researching } from './scripted-models.ts'

const hire = tool({
  description: 'Hands a task to a sub-agent, with a budget in USD that it cannot exceed.',
  inputSchema: z.object({ task: z.string(), budget: z.string() }),
  execute: async ({ task, budget }, { toolCallId }) => {
    try {
      const { session } = await supervisor.openChild({
        limits: { currency: 'USD', total: budget },
        expiresIn: '10m',
      })
      const tools = paymentTools({ session, conversation: toolCallId })
      const stopWhen = stepCountIs(8)
      const { text } = await generateText({ model: researching(), prompt: task, tools, stopWhen })
      return text
    } catch (error) {
      // A budget that is wider than the supervisor's own: nobody can hand out what they do not have.
      if (BursarError.isInstance(error)) return `No sub-agent was hired: ${error.message}`
      throw error
    }
  },
})

const prompt = `Write a brief on ACME. What it costs is at ${market.url}/quote.`
const { text } = await generateText({
  model: editing,
  prompt,
  tools: { hire },
  stopWhen: stepCountIs(8),
})
// #endregion
console.log(text)

// #region open
const { session: researcher, token: forElsewhere } = await supervisor.openChild({
  limits: { currency: 'USD', total: '0.03' },
  expiresIn: '10m',
})
// #endregion

// #region spend
const article = await researcher.pay({ url: `${market.url}/article`, purpose: 'background' })
const left = await supervisor.status()
// #endregion

// #region elsewhere
const elsewhere = bursar.openSession(forElsewhere)
const prices = await elsewhere.pay({ url: `${market.url}/prices.csv`, purpose: 'the week' })
// #endregion

// #region end
await supervisor.close() // ends the sub-agents' sessions as well
// #endregion

const late = await researcher.pay({ url: `${market.url}/item/1`, purpose: 'one more' })
const verified = await bursar.auditing.verify()
const { rows } = await bursar.auditing.payments()
await close()

deepStrictEqual(
  text,
  [
    'The first one said: ACME costs 103.40 USD.',
    'The second one said: It was refused: session_limit_exceeded.',
    'The third one said: No sub-agent was hired: openChild: limits.total: must be at most 0.10.',
  ].join('\n'),
)
deepStrictEqual(
  [article, prices, late].map((one) => ('code' in one ? one.code : one.status)),
  ['session_limit_exceeded', 'paid', 'session_revoked'],
)
deepStrictEqual([left.remaining, left.payments], ['0.09', 1])
deepStrictEqual(rows.map(({ amount }) => amount).toSorted(), ['0.01', '0.02'])
deepStrictEqual(verified.ok, true)
