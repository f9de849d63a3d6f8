import { fakePayee } from '@bursar/core/testing'
import { Agent } from '@mastra/core/agent'
import { Mastra } from '@mastra/core/mastra'
import { RequestContext } from '@mastra/core/request-context'
import { InMemoryStore } from '@mastra/core/storage'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type GuardWorld,
  type GuardWorldOptions,
  guardWorld,
  shop,
} from '../../../../test/guard-world.ts'
import { scriptedModel } from '../test/scripted-model.ts'
import { type PaymentToolsOptions, paymentTools } from './payment-tools.ts'

const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
beforeEach(() => void emitWarning.mockClear())
afterAll(() => emitWarning.mockRestore())

/** A time after which an identical request is paid again. */
const LATER_MS = 20 * 60_000

type Calls = Parameters<typeof scriptedModel>[0]

function buy(id: string, path = 'a', more: object = {}): Calls[number][number] {
  return { id, input: { url: shop(path), purpose: 'a test', ...more } }
}

interface Setting {
  readonly options: PaymentToolsOptions
  readonly script: Calls
  readonly store?: InMemoryStore
  readonly agent?: object
  readonly mastra?: object
}

/** Makes an agent that shares nothing with other agents but the storage. */
function agentOf({ options, script, store, agent = {}, mastra = {} }: Setting) {
  const scripted = scriptedModel(script)
  const made = new Agent({
    id: 'buyer',
    name: 'Buyer',
    instructions: 'Buy it.',
    model: scripted.model,
    tools: paymentTools(options),
    maxRetries: 0,
    ...agent,
  })
  const storage = store ?? new InMemoryStore()
  const host = new Mastra({ agents: { buyer: made }, logger: false, storage, ...mastra })
  const { buyer } = host.listAgents()
  if (!buyer) throw new Error('There is no buyer.')
  return { buyer, told: scripted.told, mastra: host }
}

/** Records an answer at the guard, as the server of an application would. */
async function answer({ bursar }: GuardWorld, word: 'approve' | 'deny', path = 'a'): Promise<void> {
  const endUser = bursar.endUser('alice')
  const { rows } = await endUser.approvals({ waiting: true })
  const asked = rows.filter(({ card }) => card.resource === `GET /${path}`)
  if (asked.length !== 1) throw new Error(`${asked.length} approvals wait for ${path}.`)
  for (const { id } of asked) await endUser[word](id)
}

/** Runs an agent until the question for its first call suspends it. */
async function suspended(script: Calls = [[buy('call-1')]], worldOptions: GuardWorldOptions = {}) {
  const world = await guardWorld({ ask: { always: true }, ...worldOptions })
  const store = new InMemoryStore()
  const setting = { options: { session: world.session }, script, store }
  const { buyer, told } = agentOf(setting)
  const result = await buyer.generate('Buy it.')
  expect(result.finishReason).toBe('suspended')
  const { runId = '' } = result
  return { world, store, setting, buyer, told, result, runId }
}

/** Formats all that the storage keeps of runs as text, as a database would hold it. */
async function snapshotsOf(store: InMemoryStore): Promise<string> {
  const workflows = await store.getStore('workflows')
  const { runs } = (await workflows?.listWorkflowRuns({})) ?? { runs: [] }
  if (runs.length === 0) throw new Error('Nothing was kept.')
  return JSON.stringify(runs)
}

async function restore(store: InMemoryStore, snapshots: string): Promise<void> {
  const workflows = await store.getStore('workflows')
  for (const { workflowName, runId, snapshot } of JSON.parse(snapshots)) {
    await workflows?.persistWorkflowSnapshot({ workflowName, runId, snapshot })
  }
}

describe('progress', () => {
  test('is written to the stream as the output of the tool, step by step', async () => {
    const { session } = await guardWorld()
    const { buyer } = agentOf({ options: { session }, script: [[buy('call-1')]] })
    const { fullStream } = await buyer.stream('Buy it.')
    const written: unknown[] = []
    for await (const part of fullStream) {
      if (part.type === 'tool-output') written.push(part.payload.output)
    }
    expect(written).toEqual(
      ['quoting', 'deciding', 'signing', 'sending'].map((step) => ({ status: 'working', step })),
    )
  })
})

describe('a tool call is paid once', () => {
  test('in one run, without a thread: by the run and the id of the call', async () => {
    const { session, chain } = await guardWorld()
    const again = [[buy('call-1')], [buy('call-1')]]
    const { buyer, told } = agentOf({ options: { session }, script: again })
    const { steps } = await buyer.generate('Buy it.')
    expect(steps.filter(({ toolCalls }) => toolCalls.length > 0)).toHaveLength(2)
    expect(told().map(({ status }) => status)).not.toContain('denied')
    expect(chain.transfers()).toHaveLength(1)
  })

  test('when two processes resume one run at once', async () => {
    const { world, setting, runId } = await suspended()
    await answer(world, 'approve')
    const processes = [agentOf(setting).buyer, agentOf(setting).buyer]
    const resumed = processes.map((buyer) => buyer.resumeGenerate({ approved: true }, { runId }))
    await Promise.allSettled(resumed)
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('when the same snapshot is resumed again, much later', async () => {
    const { world, setting, store, runId } = await suspended()
    const snapshots = await snapshotsOf(store)
    await answer(world, 'approve')
    const told: unknown[] = []
    for (const _ of [1, 2]) {
      await restore(store, snapshots)
      const again = agentOf({ ...setting, script: [] })
      await again.buyer.resumeGenerate({ approved: true }, { runId })
      told.push(...again.told())
      world.clock.advance(LATER_MS)
    }
    expect(told).toMatchObject([{ status: 'paid' }, { status: 'paid' }])
    expect(world.chain.transfers()).toHaveLength(1)
  })
})

describe('the question', () => {
  test('names the approval, and nothing that the guard alone can say', async () => {
    const { world, result } = await suspended()
    const { rows } = await world.bursar.endUser('alice').approvals({ waiting: true })
    expect(result.suspendPayload).toMatchObject({
      toolCallId: 'call-1',
      suspendPayload: {
        tool: 'pay_within_session',
        approval: rows[0]?.id,
        expiresAt: '2030-01-01T00:15:00.000Z',
      },
    })
    expect(JSON.stringify(result)).not.toContain(fakePayee)
  })

  test('is answered in the guard, and the run goes on in another process', async () => {
    const { world, setting, runId } = await suspended()
    await answer(world, 'approve')
    const { buyer, told } = agentOf({ ...setting, script: [] })
    await buyer.resumeGenerate({ approved: true }, { runId })
    expect(told()).toMatchObject([{ status: 'paid' }])
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('comes again where the run is resumed with a yes alone', async () => {
    const { world, buyer, runId } = await suspended()
    for (const yes of [{ approved: true }, { approved: 'yes' }, 'yes']) {
      const again = await buyer.resumeGenerate(yes, { runId })
      expect(again.finishReason).toBe('suspended')
    }
    expect(world.chain.received).toEqual([])
  })

  test('answered with a no pays nothing, whatever was recorded', async () => {
    const { world, buyer, told, runId } = await suspended()
    await answer(world, 'approve')
    await buyer.resumeGenerate({ approved: false }, { runId })
    expect(told()).toMatchObject([{ status: 'denied', code: 'approval_denied' }])
    expect(world.chain.received).toEqual([])
  })

  test('of each call of one step comes after the other', async () => {
    const script = [[buy('call-1', 'a'), buy('call-2', 'b')]]
    const { world, buyer, told, result, runId } = await suspended(script)
    expect(result.suspendPayload).toMatchObject({ toolCallId: 'call-1' })
    await answer(world, 'approve', 'a')
    const second = await buyer.resumeGenerate({ approved: true }, { runId })
    expect(second.suspendPayload).toMatchObject({ toolCallId: 'call-2' })
    await answer(world, 'deny', 'b')
    await buyer.resumeGenerate({ approved: true }, { runId })
    expect(told()).toMatchObject([
      { status: 'paid' },
      { status: 'denied', code: 'approval_denied' },
    ])
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('is not resumed by the id of another call', async () => {
    const { world, buyer, runId } = await suspended()
    await answer(world, 'approve')
    const stale = { runId, toolCallId: 'call-of-before' }
    await buyer.resumeGenerate({ approved: true }, stale).catch(() => undefined)
    expect(world.chain.transfers().length).toBeLessThanOrEqual(1)
    expect(world.chain.transfers().every(({ atomic }) => atomic === 10_000n)).toBe(true)
  })
})

/** The ways to make Mastra ask before each call: for one run, or by the tool itself. */
const ownApprovals: readonly [string, (options: PaymentToolsOptions) => object, object][] = [
  ['requireToolApproval of a run', () => ({}), { requireToolApproval: true }],
  ['requireApproval of the tool', (options) => ({ tools: asking(options) }), {}],
]

function asking(options: PaymentToolsOptions): object {
  const tools = paymentTools(options)
  Object.assign(tools.pay_within_session, { requireApproval: true })
  return tools
}

describe.each(ownApprovals)('beside %s', (_name, agentWith, run) => {
  const settingOf = (options: PaymentToolsOptions) => ({
    options,
    script: [[buy('call-1')]],
    store: new InMemoryStore(),
    agent: agentWith(options),
  })

  test('a yes of Mastra leads to the question of the guard', async () => {
    const world = await guardWorld({ ask: { always: true } })
    const { buyer, told } = agentOf(settingOf({ session: world.session }))
    const { runId = '' } = await buyer.generate('Buy it.', run)
    expect(world.merchant.requests).toEqual([])
    const asked = await buyer.approveToolCallGenerate({ runId, toolCallId: 'call-1' })
    expect(asked.finishReason).toBe('suspended')
    expect(world.chain.received).toEqual([])
    await answer(world, 'approve')
    await buyer.resumeGenerate({ approved: true }, { runId, toolCallId: 'call-1' })
    expect(told()).toMatchObject([{ status: 'paid' }])
    expect(world.chain.transfers()).toHaveLength(1)
  })

  test('a yes of Mastra said twice at once pays once', async () => {
    const { session, chain, merchant } = await guardWorld()
    const setting = settingOf({ session })
    const { runId = '' } = await agentOf(setting).buyer.generate('Buy it.', run)
    expect(merchant.requests).toEqual([])
    const said = [1, 2].map(() =>
      agentOf(setting).buyer.approveToolCallGenerate({ runId, toolCallId: 'call-1' }),
    )
    await Promise.allSettled(said)
    expect(chain.transfers()).toHaveLength(1)
  })

  test('a no of Mastra pays nothing', async () => {
    const { session, chain, merchant } = await guardWorld()
    const { buyer } = agentOf(settingOf({ session }))
    const { runId = '' } = await buyer.generate('Buy it.', run)
    await buyer.declineToolCallGenerate({ runId, toolCallId: 'call-1' })
    expect(merchant.requests).toEqual([])
    expect(chain.received).toEqual([])
  })
})

describe('the session', () => {
  const options: PaymentToolsOptions<{ payer: GuardWorld['session'] }> = {
    session: (context) => context.get('payer'),
  }
  const unknown = [{ status: 'denied', code: 'session_unknown' }]

  /** Suspends a run whose session came with the request, and copies its snapshot through JSON. */
  async function restored() {
    const world = await guardWorld({ ask: { always: true } })
    const store = new InMemoryStore()
    const script = [[buy('call-1')]]
    const requestContext = new RequestContext([['payer', world.session]])
    const setting = { options: options as PaymentToolsOptions, script, store }
    const { runId = '' } = await agentOf(setting).buyer.generate('Buy it.', { requestContext })
    const snapshots = await snapshotsOf(store)
    expect(snapshots).not.toContain(world.token.slice(-43))
    await restore(store, snapshots)
    await answer(world, 'approve')
    return { world, requestContext, runId, ...agentOf({ ...setting, script: [] }) }
  }

  test('that a store has given back is not believed, and pays nothing', async () => {
    const { world, buyer, told, runId } = await restored()
    await buyer.resumeGenerate({ approved: true }, { runId })
    expect(told()).toMatchObject(unknown)
    expect(world.chain.received).toEqual([])
    expect(emitWarning.mock.calls.flat()).toContainEqual(
      expect.stringMatching(/no PaymentSession|nothing/),
    )
  })

  test('is given again with the request that resumes', async () => {
    const { world, buyer, told, runId, requestContext } = await restored()
    await buyer.resumeGenerate({ approved: true }, { runId, requestContext })
    expect(told()).toMatchObject([{ status: 'paid' }])
    expect(world.chain.transfers()).toHaveLength(1)
  })
})

describe('a background task', () => {
  test('pays nothing, and says so', async () => {
    const { session, chain, merchant } = await guardWorld()
    const background = { disposition: 'awaited', maxRetries: 3 }
    const { buyer, mastra } = agentOf({
      options: { session },
      script: [[buy('call-1', 'a', { _background: background })]],
      agent: { backgroundTasks: { tools: 'all' } },
      mastra: { backgroundTasks: { enabled: true } },
    })
    // Older versions run no background task without a storage.
    await mastra.startWorkers()
    await buyer.generate('Buy it.')
    const { backgroundTaskManager: manager } = mastra
    const { tasks = [] } = (await manager?.listTasks()) ?? {}
    expect(tasks).toMatchObject([{ toolCallId: 'call-1' }])
    await vi.waitFor(async () => {
      const task = await manager?.getTask(tasks[0]?.id ?? '')
      expect(task).toMatchObject({
        status: 'completed',
        result: { status: 'denied', code: 'request_not_allowed' },
      })
    }, 10_000)
    await mastra.stopWorkers()
    expect(merchant.requests).toEqual([])
    expect(chain.received).toEqual([])
  })

  test('of which Mastra cannot say whether it is one is paid once, and nothing is thrown', async () => {
    const { session, chain } = await guardWorld()
    const { buyer, told, mastra } = agentOf({
      options: { session },
      script: [[buy('call-1')], [buy('call-1')]],
      mastra: { backgroundTasks: { enabled: true } },
    })
    const { backgroundTaskManager: manager } = mastra
    if (!manager) throw new Error('There is no manager of tasks.')
    const asked: unknown[] = []
    const list = manager.listTasks.bind(manager)
    manager.listTasks = async (filter) => {
      // Mastra's own questions name no call.
      if (filter?.toolCallId === undefined) return list(filter)
      asked.push(filter.toolCallId)
      throw new Error('the store is down')
    }
    await buyer.generate('Buy it.')
    expect(asked).toEqual(['call-1', 'call-1'])
    expect(told()[0]).toMatchObject({ status: 'paid' })
    expect(chain.transfers()).toHaveLength(1)
  })
})
