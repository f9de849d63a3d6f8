import { type PaymentSession, payingFetch } from '@bursar/core'
import { HumanMessage } from '@langchain/core/messages'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { createTool } from '@mastra/core/tools'
import { generateText, tool as sdkTool, stepCountIs } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { createAgent, FakeToolCallingModel, tool as langChainTool } from 'langchain'
import OpenAI, { APIError } from 'openai'
import createClient from 'openapi-fetch'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { scriptedProvider } from './adapters/scripted-provider.ts'
import { guardWorld, shop } from './guard-world.ts'

/** The tests of existing HTTP clients inside tools, under each framework's agent. */

/** Runs an agent that calls a tool once, and returns the result that the model reads. */
type Framework = (work: () => Promise<object>) => Promise<unknown>

const description = 'Does the work.'
const nothing = z.object({})

const frameworks: readonly [string, Framework][] = [
  [
    'the AI SDK',
    async (execute) => {
      const work = sdkTool({ description, inputSchema: nothing, execute })
      const options = { model: model(), prompt: 'Work.', stopWhen: stepCountIs(2) }
      const { steps } = await generateText({ ...options, tools: { work } })
      return steps[0]?.toolResults[0]?.output
    },
  ],
  [
    'LangChain',
    async (execute) => {
      const work = langChainTool(execute, { name: 'work', description, schema: nothing })
      const calls = [[{ name: 'work', args: {}, id: 'call-1' }], []]
      const agent = createAgent({
        model: new FakeToolCallingModel({ toolCalls: calls }),
        tools: [work],
      })
      const { messages } = await agent.invoke({ messages: [new HumanMessage('Work.')] })
      const told = messages.find((message) => message.getType() === 'tool')
      return JSON.parse(String(told?.content))
    },
  ],
  [
    'Mastra',
    async (execute) => {
      const work = createTool({ id: 'work', description, inputSchema: nothing, execute })
      const agent = new Agent({
        id: 'worker',
        name: 'Worker',
        instructions: 'Work.',
        model: model() as unknown as MastraModelConfig,
        tools: { work },
      })
      const { toolResults } = await agent.generate('Work.')
      return toolResults[0]?.payload.result
    },
  ],
]

function model(): MockLanguageModelV4 {
  return new MockLanguageModelV4(scriptedProvider([[{ id: 'call-1', tool: 'work', input: {} }]]))
}

/** The types that a generator makes of an API's description. */
interface paths {
  '/quote': {
    get: {
      responses: {
        200: { content: { 'application/json': { delivered: boolean } } }
        402: { content: { 'application/problem+json': { code: string } } }
      }
    }
  }
}

const clients: readonly [string, (session: PaymentSession) => Promise<object>, object][] = [
  [
    'a client of an OpenAPI description',
    async (session) => {
      const market = createClient<paths>({ baseUrl: shop(''), fetch: payingFetch(session) })
      const { data, error } = await market.GET('/quote')
      return data ?? { refused: error.code }
    },
    { delivered: true },
  ],
  [
    'the SDK of a model provider',
    async (session) => {
      const provider = new OpenAI({
        apiKey: 'none',
        baseURL: shop('v1'),
        fetch: payingFetch(session),
      })
      try {
        const messages = [{ role: 'user' as const, content: 'Hello' }]
        const { choices } = await provider.chat.completions.create({ model: 'small', messages })
        return { said: choices[0]?.message.content }
      } catch (error) {
        if (error instanceof APIError) return { refused: error.code, status: error.status }
        throw error
      }
    },
    { said: 'Good day.' },
  ],
]

const completion = {
  choices: [{ index: 0, message: { role: 'assistant', content: 'Good day.' } }],
}

function contentOf(path: string): object {
  const answered = path.endsWith('/completions') ? completion : { delivered: true }
  const body = new TextEncoder().encode(JSON.stringify(answered))
  return { headers: { 'content-type': 'application/json' }, body }
}

describe.each(clients)('%s', (_client, call, delivered) => {
  test.each(frameworks)('pays within a tool of %s', async (_framework, run) => {
    const { session, chain } = await guardWorld({
      resource: ({ url }) => ({ content: contentOf(url.pathname) }),
    })
    expect(await run(() => call(session))).toEqual(delivered)
    expect(chain.transfers()).toHaveLength(1)
  })

  test.each(frameworks)(
    'hears a refusal in %s, and does not try again',
    async (_framework, run) => {
      const limits = { currency: 'USD', total: '0.001' }
      const { session, chain, merchant } = await guardWorld({ limits })
      const told = await run(() => call(session))
      expect(told).toMatchObject({ refused: 'session_limit_exceeded' })
      expect(merchant.requests).toHaveLength(1)
      expect(chain.received).toEqual([])
    },
  )
})
