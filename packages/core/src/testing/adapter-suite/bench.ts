import { inspect } from 'node:util'
import type { PaidWorld, ShopItem } from '../paid-world.ts'
import type { AgentRun, AgentTurn, ScriptedAgent, ScriptedCall } from '../scripted-agent.ts'
import type { Expectation } from '../test-runner.ts'

/** An agent of the framework, and the paid world that it buys in. */
export interface AdapterWorld {
  readonly agent: ScriptedAgent
  readonly world: PaidWorld
}

/** The world of one test. */
export interface Bench {
  readonly world: PaidWorld
  /** Runs a turn. When the test ends, all of its output is searched for secrets. */
  run(turn: AgentTurn): Promise<AgentRun>
  /** Returns the number of payments that were signed since the test began. */
  signed(): Promise<number>
  /** Returns the number of transfers since the test began. */
  moved(): Promise<number>
  /** The process warnings since the test began. */
  readonly warnings: readonly string[]
  /** Waits for calls in flight, and closes the guard. */
  close(): Promise<void>
}

/** Defines one test of the suite. */
export interface AdapterTest {
  readonly expect: (actual: unknown) => Expectation
  test(name: string, run: (bench: Bench) => Promise<void>): void
}

/** The conversation of every turn that names one. */
export const conversation = 'chat-1'

/** Creates a call that buys an item. */
export function buyOnBench(
  world: PaidWorld,
  item: ShopItem,
  id: string,
  more: Readonly<Record<string, unknown>> = {},
): ScriptedCall {
  return { id, input: { url: world.url(item, 'a'), purpose: 'a test', ...more } }
}

/** Returns a result's code, or its status if it has no code. */
export function codeOf(
  result: { readonly status: string; readonly code?: string } | undefined,
): string {
  return result?.code ?? result?.status ?? 'nothing'
}

/** Opens the bench, runs the test, and checks that no output contains a secret. */
export async function onBench(
  makeWorld: () => Promise<AdapterWorld>,
  expect: AdapterTest['expect'],
  test: (bench: Bench) => Promise<void>,
): Promise<void> {
  const { agent, world } = await makeWorld()
  const heard = captureBenchOutput()
  const runs: AgentRun[] = []
  const failures: string[] = []
  const noted = (run: AgentRun): AgentRun => {
    runs.push(run)
    return {
      ...run,
      resume: async (answer) => noted(await run.resume(answer)),
      replay: async () => noted(await run.replay()),
    }
  }
  try {
    const [signedBefore, movedBefore] = [await world.signed(), await world.moved()]
    await test({
      world,
      warnings: heard.warnings,
      run: async (turn) => {
        try {
          return noted(await agent.run(turn))
        } catch (error) {
          failures.push(`${(error as Error).stack} ${JSON.stringify(error)}`)
          throw error
        }
      },
      signed: async () => (await world.signed()) - signedBefore,
      moved: async () => (await world.moved()) - movedBefore,
      close: () => world.close(),
    })
    const words = [...(await Promise.all(runs.map((run) => run.everything()))), ...failures]
    const said = [...words, ...heard.logs].join('\n')
    const secrets = world.secrets()
    expect(secrets.filter((secret) => secret.length < 20)).toEqual([])
    expect(secrets.filter((secret) => said.includes(secret))).toEqual([])
  } finally {
    heard.stop()
    await world.close()
  }
}

/** Collects process warnings and logged lines. */
function captureBenchOutput(): { warnings: string[]; logs: string[]; stop(): void } {
  const warnings: string[] = []
  const logs: string[] = []
  const { emitWarning } = process
  process.emitWarning = (warning: string | Error) => {
    warnings.push(String(warning))
    logs.push(String(warning))
  }
  const methods = ['debug', 'info', 'log', 'warn', 'error'] as const
  const restore = methods.map((method) => {
    const own = console[method]
    console[method] = (...given: unknown[]) => {
      logs.push(given.map((one) => (typeof one === 'string' ? one : inspect(one))).join(' '))
      own.apply(console, given)
    }
    return () => {
      console[method] = own
    }
  })
  const stop = (): void => {
    process.emitWarning = emitWarning
    for (const one of restore) one()
  }
  return { warnings, logs, stop }
}
