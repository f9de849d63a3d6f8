import { type ModelResult, type PaymentSession, payTool, toModelResult } from '@bursar/core'
import { toolCalls, toolRequest } from '@bursar/core/session'
import {
  type AgentRun,
  type AgentTurn,
  fakePaidWorld,
  type ScriptedAgent,
  type ScriptedCall,
  testAdapter,
} from '@bursar/core/testing'
import { sqliteStore } from '@bursar/store-sqlite'
import { describe, expect, test } from 'vitest'

/** The conformance suite of the adapters, held against adapters that are wrong, each in one way. */

/** A function that pays for a tool call in the way of an adapter. */
type Pay = (turn: AgentTurn, call: ScriptedCall) => Promise<ModelResult>

const right: Pay = async ({ options, context, signal }, { id, input }) =>
  (await toolCalls(options).pay({ input, context, id, signal })).result

const sessionOf = ({ options, context }: AgentTurn) =>
  (typeof options.session === 'function'
    ? options.session(context)
    : options.session) as PaymentSession

const mistakes: readonly [string, Pay, string][] = [
  [
    'forgets the id of the call',
    (turn, { input }) => right(turn, { input } as ScriptedCall),
    'pays once for a call that comes again in a turn of its own, later',
  ],
  [
    'forgets the conversation',
    ({ options: { session }, ...turn }, call) => right({ ...turn, options: { session } }, call),
    'pays once after a yes, however often the run is carried out again',
  ],
  [
    'believes whatever has a method called pay',
    async (turn, { input }) => {
      await sessionOf(turn).pay(toolRequest(input).request)
      return { status: 'free', message: 'It seems to be free.' }
    },
    'pays nothing where the context holds a plain object',
  ],
  [
    'does not pass on that the run was stopped',
    ({ signal: _, ...turn }, call) => right(turn, call),
    'pays nothing once the run was stopped before it',
  ],
  [
    'passes on what the tool does not take',
    async (turn, { id, input }) =>
      toModelResult(await sessionOf(turn).pay(input as never, { conversation: 'chat-1', id })),
    'ignores and records what the tool does not take',
  ],
  [
    'shows the model what the guard has answered',
    async (turn, { id, input }) => {
      const { request } = toolRequest(input)
      return (await sessionOf(turn).pay(request, { conversation: 'chat-1', id })) as ModelResult
    },
    'pays, gets what is free, and is refused, each as a result',
  ],
  [
    'throws what the guard throws',
    async (turn, { id, input }) => {
      const { request } = toolRequest(input)
      return toModelResult(await sessionOf(turn).pay(request, { conversation: 'chat-1', id }))
    },
    'tells the model of a failed guard without its cause',
  ],
  [
    'throws a refusal',
    async (turn, call) => {
      const result = await right(turn, call)
      if (result.status === 'denied') throw new Error(result.message)
      return result
    },
    'tells every denial as a result, and goes on',
  ],
  [
    'forgets the hook for content',
    ({ options: { onContent: _, ...options }, ...turn }, call) => right({ ...turn, options }, call),
    'names binary content by type and size, and hands it to onContent',
  ],
]

test('an adapter that is right passes every test of the suite', async () => {
  const tests = suiteOf(right)
  expect(tests.size).toBeGreaterThan(40)
  for (const run of tests.values()) await run()
})

describe('an adapter is found out that', () => {
  test.each(mistakes)('%s', async (_mistake, pay, title) => {
    const run = suiteOf(pay).get(title)
    expect(run).toBeDefined()
    await expect(run?.()).rejects.toThrow()
  })

  test('leaves out a test that does not exist', () => {
    const world = async () => ({ agent: plainAgent(right), world: paidWorld() })
    const runner = { describe: (_: string, suite: () => void) => suite(), test: () => {}, expect }
    expect(() => testAdapter('x', world, runner, { 'is no test': 'because' })).toThrow(
      'There is no such test: is no test',
    )
  })
})

const paidWorld = () =>
  fakePaidWorld({ store: (clock) => sqliteStore({ path: ':memory:', clock }) })

/** Every test of the suite for an adapter, by its title. */
function suiteOf(pay: Pay): ReadonlyMap<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>()
  testAdapter('plain', async () => ({ agent: plainAgent(pay), world: paidWorld() }), {
    describe: (_name, suite) => suite(),
    test: (title, run) => tests.set(title, run),
    expect,
  })
  return tests
}

/**
 * A framework of a few lines: it runs the calls of a step at once, and stops if an approval is
 * needed.
 */
function plainAgent(pay: Pay): ScriptedAgent {
  const run = async (
    turn: AgentTurn,
    answers: ReadonlyMap<string, 'yes' | 'no'>,
  ): Promise<AgentRun> => {
    const { question } = toolCalls(turn.options)
    const told: ModelResult[] = []
    const waiting: string[] = []
    const make = async (call: ScriptedCall): Promise<ModelResult | undefined> => {
      const answer = answers.get(call.id)
      if (answer === 'no') return { status: 'denied', message: 'The user said no.' }
      if (turn.stops && !answer && (await question({ ...call, context: turn.context }))) {
        waiting.push(call.id)
        return undefined
      }
      return pay(turn, call)
    }
    for (const step of turn.script) {
      const results = await Promise.all(step.map(make))
      told.push(...results.filter((result) => result !== undefined))
      if (waiting.length > 0) break
    }
    return {
      offered: [payTool],
      told,
      waiting: waiting.length,
      everything: async () => JSON.stringify(told),
      resume: (answer) =>
        run(turn, new Map([...answers, ...waiting.map((id) => [id, answer] as const)])),
      replay: () => run(turn, answers),
    }
  }
  return { run: (turn) => run(turn, new Map()) }
}
