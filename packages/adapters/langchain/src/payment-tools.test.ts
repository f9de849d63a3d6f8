import { BursarError, PaymentSession, type SessionPort } from '@bursar/core'
import { AIMessage, ToolMessage } from '@langchain/core/messages'
import { Command, MemorySaver, MessagesAnnotation, StateGraph } from '@langchain/langgraph'
import { ToolNode } from '@langchain/langgraph/prebuilt'
import { createAgent, createMiddleware } from 'langchain'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type GuardWorld, guardWorld } from '../../../../test/guard-world.ts'
import {
  answer,
  buy,
  dearIf,
  fragile,
  go,
  LATER_MS,
  modelThat,
  passing,
  questions,
  stubborn,
  thread,
  told,
} from '../test/agent.ts'
import { paymentTools } from './payment-tools.ts'

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
beforeEach(() => void emitWarning.mockClear())
afterAll(() => emitWarning.mockRestore())

describe('progress', () => {
  test('is written to the stream mode custom, step by step', async () => {
    const { session } = await guardWorld()
    const agent = createAgent({
      model: modelThat([buy('call-1')]),
      tools: paymentTools({ session }),
    })
    const written: unknown[] = []
    for await (const part of await agent.stream(go, { streamMode: 'custom' })) written.push(part)
    expect(written).toEqual(
      ['quoting', 'deciding', 'signing', 'sending'].map((step) => ({
        tool: 'pay_within_session',
        call: 'call-1',
        status: 'working',
        step,
      })),
    )
  })
})

describe('a call without an agent', () => {
  test('is paid, with a tool message for a tool call and a text for arguments', async () => {
    const { session } = await guardWorld()
    const [pay] = paymentTools({ session })
    const message = await pay.invoke(buy('call-1'))
    expect(ToolMessage.isInstance(message)).toBe(true)
    expect(JSON.parse(message.content)).toMatchObject({ status: 'paid' })
    expect(JSON.parse(await pay.invoke(buy('call-2', 'b').args))).toMatchObject({ status: 'paid' })
  })

  test('is refused as a result, also where its arguments are none', async () => {
    const { session, merchant } = await guardWorld()
    const [pay] = paymentTools({ session })
    const denied = { status: 'denied', code: 'request_not_allowed' }
    const message = await pay.invoke({ ...buy('call-1'), args: { url: 7 } })
    expect(message).toMatchObject({ tool_call_id: 'call-1', name: 'pay_within_session' })
    expect(JSON.parse(message.content)).toMatchObject(denied)
    expect(JSON.parse(await pay.invoke({ purpose: 'no URL' }))).toMatchObject(denied)
    expect(merchant.requests).toEqual([])
  })

  test('is told that a human has to agree where nothing can stop', async () => {
    const { session } = await guardWorld({ ask: { always: true } })
    const [pay] = paymentTools({ session })
    const result = JSON.parse(await pay.invoke(buy('call-1').args))
    expect(result).toMatchObject({ status: 'approval_required' })
  })
})

describe('the session', () => {
  test('is not looked for in what a client can send', async () => {
    const { session, merchant } = await guardWorld()
    const given: unknown[] = []
    const tools = paymentTools({
      session: (context) => {
        given.push(context)
        return undefined
      },
    })
    const model = modelThat([buy('call-1')])
    const agent = createAgent({ model, tools, checkpointer: new MemorySaver() })
    const configurable = { thread_id: 'thread-1', session, context: { session } }
    const sent = { ...go, session } as typeof go
    const state = await agent.invoke(sent, { configurable })
    expect(told(state)).toMatchObject([{ status: 'denied', code: 'session_unknown' }])
    expect(given).toEqual([undefined])
    expect(merchant.requests).toEqual([])
  })
})

/** Resolves once a payment has been made. */
function paidBy({ chain }: GuardWorld): Promise<void> {
  return vi.waitFor(() => {
    if (chain.transfers().length === 0) throw new Error('Nothing is paid yet.')
  })
}

describe('a tool call is paid once', () => {
  /** Runs the agent, lets time pass, runs it again, and counts the payments. */
  async function twice(
    world: GuardWorld,
    first: () => Promise<unknown>,
    again: () => Promise<Parameters<typeof told>[0]>,
  ): Promise<void> {
    await first().catch(() => undefined)
    expect(world.chain.transfers()).toHaveLength(1)
    world.clock.advance(LATER_MS)
    expect(told(await again()).at(-1)).toMatchObject({ status: 'paid' })
    expect(world.chain.transfers()).toHaveLength(1)
  }

  test('when its process died, and its thread goes on', async () => {
    const world = await guardWorld()
    const { made, runs, call } = fragile(() => paidBy(world))
    const agent = createAgent({
      model: modelThat([buy('call-1'), call]),
      tools: [...paymentTools({ session: world.session }), made],
      checkpointer: new MemorySaver(),
      middleware: [passing],
      version: 'v1',
    })
    await twice(
      world,
      () => agent.invoke(go, thread),
      () => agent.invoke(null as unknown as typeof go, thread),
    )
    expect(runs).toHaveLength(2)
  })

  test('when its thread travels back in time', async () => {
    const world = await guardWorld()
    const { graph } = createAgent({
      model: modelThat([buy('call-1')]),
      tools: paymentTools({ session: world.session }),
      checkpointer: new MemorySaver(),
    })
    await twice(
      world,
      () => graph.invoke(go, thread),
      async () => {
        for await (const state of graph.getStateHistory(thread)) {
          if (state.next.includes('tools')) return graph.invoke(null, state.config)
        }
        throw new Error('The tools were never called.')
      },
    )
  })

  test('when a node of a graph is tried again', async () => {
    const world = await guardWorld()
    const { session, chain } = world
    const { made, runs, call } = fragile(() => paidBy(world))
    const tools = new ToolNode([...paymentTools({ session }), made], { handleToolErrors: false })
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('tools', tools, {
        retryPolicy: { maxAttempts: 3, initialInterval: 1, jitter: false },
      })
      .addEdge('__start__', 'tools')
      .compile({ checkpointer: new MemorySaver() })
    const asked = new AIMessage({
      content: '',
      tool_calls: [buy('call-1'), call],
    })
    const state = await graph.invoke({ messages: [asked] }, thread)
    expect(told(state)).toMatchObject([{ status: 'paid' }])
    expect(runs).toHaveLength(2)
    expect(chain.transfers()).toHaveLength(1)
  })

  test('when a middleware asks after the tool has run', async () => {
    const world = await guardWorld()
    const runs: string[] = []
    const asking = createMiddleware({
      name: 'asking',
      wrapToolCall: async (call, next) => {
        const result = await next(call)
        runs.push('run')
        call.runtime.interrupt?.('Is this what you wanted?')
        return result
      },
    })
    const agent = createAgent({
      model: modelThat([buy('call-1')]),
      tools: paymentTools({ session: world.session }),
      checkpointer: new MemorySaver(),
      middleware: [asking],
    })
    await twice(
      world,
      () => agent.invoke(go, thread),
      () => agent.invoke(new Command({ resume: 'yes' }), thread),
    )
    expect(runs).toHaveLength(2)
  })

  test('when another call of its step stops the task of both', async () => {
    const world = await guardWorld({ ask: { above: '0.01' }, resource: dearIf('b') })
    const agent = createAgent({
      model: modelThat([buy('call-1', 'a'), buy('call-2', 'b')]),
      tools: paymentTools({ session: world.session }),
      checkpointer: new MemorySaver(),
      version: 'v1',
    })
    const stopped = await agent.invoke(go, thread)
    expect(questions(stopped)).toMatchObject([{ value: { call: 'call-2' } }])
    expect(world.chain.transfers()).toHaveLength(1)
    world.clock.advance(60_001)
    await answer(world, 'approve', 'b')
    const state = await agent.invoke(new Command({ resume: true }), thread)
    expect(told(state)).toMatchObject([{ status: 'paid' }, { status: 'paid' }])
    expect(world.chain.transfers()).toHaveLength(2)
  })

  test('when a retrying middleware wraps it: there is nothing to try again', async () => {
    const calls: unknown[] = []
    const failing = {
      pay: (...given: unknown[]) => {
        calls.push(given)
        return Promise.reject(new BursarError('store_failed', 'the disk is full'))
      },
    } as unknown as SessionPort
    const agent = createAgent({
      model: modelThat([buy('call-1')]),
      tools: paymentTools({ session: new PaymentSession('ses_1', failing) }),
      middleware: [stubborn],
    })
    expect(told(await agent.invoke(go))).toMatchObject([{ status: 'failed' }])
    expect(calls).toHaveLength(1)
  })
})
