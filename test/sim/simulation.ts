import { fakeAsset } from '@bursar/core/testing'
import { act, createSession, finish, grant, pickAction, reconcile } from './actions.ts'
import { follow } from './calls.ts'
import { openProcess } from './guard-process.ts'
import { addressOf, type Bug, createWorld, endUsers, type World } from './world.ts'

/** The settings of a simulation: equal settings give an equal trace, to the last letter. */
export interface SimulationOptions {
  readonly seed: number
  readonly steps: number
  readonly bug?: Bug | undefined
}

/** The result of a simulation. */
export interface Simulation {
  readonly seed: number
  readonly steps: number
  /** The name of the bug that was planted. */
  readonly bug: string | undefined
  /** The first rule that was broken, and after which step. */
  readonly violation: { readonly step: number; readonly rule: string } | undefined
  /** Everything that happened, a line each. */
  readonly trace: readonly string[]
  /** The whole audit trail at the end. */
  readonly trail: readonly string[]
  /** The number of payments by their last state. */
  readonly states: Readonly<Record<string, number>>
}

/** The most steps until everything has ended, once faults are off. */
const MAX_FINAL_STEPS = 3_000

/** The most steps of one call of management. */
const STEPS_OF_A_START = 12

/** The time after which no payload is valid, however far ahead the clock of its reservation was. */
const VALIDITY_MS = 900_000

/** Runs a world for some steps, checks every rule after each, and brings it to its end. */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const { seed, steps, bug } = options
  const world = createWorld(seed, bug)
  const undo = [world.scheduler.install(), bug?.install?.() ?? (() => {})]
  let step = 0
  const run = async (action: () => Promise<void> | void): Promise<boolean> => {
    step += 1
    await action()
    world.check()
    return world.violation === undefined
  }
  try {
    await begin(world, run)
    world.faults.isCalm = bug?.bindingWindows === true
    let isSound = world.violation === undefined
    while (isSound && step < steps) isSound = await run(() => pickAction(world).run(world))
    if (isSound) await end(world, run)
  } finally {
    for (const one of undo) one()
  }
  return {
    seed,
    steps,
    bug: bug?.name,
    violation:
      world.violation === undefined
        ? undefined
        : { step, rule: world.trace.renamed(world.violation) },
    trace: world.trace.lines,
    trail: world.disk.records.map(({ seq, at, body }) =>
      world.trace.renamed(`${seq} ${at} ${body}`),
    ),
    states: countOf([...world.model.payments.values()].map(({ state }) => state)),
  }
}

type Run = (action: () => Promise<void> | void) => Promise<boolean>

/** Creates two funded end users, a process and an open session. */
async function begin(world: World, run: Run): Promise<void> {
  for (const endUser of endUsers) {
    world.chain.mint(fakeAsset, addressOf(endUser), 1_000_000_000n)
  }
  await openProcess(world)
  for (const start of [grant, grant, createSession, createSession, createSession]) {
    await run(() => act(world, start))
    for (let left = STEPS_OF_A_START; left > 0; left -= 1) {
      await run(async () => {
        await world.scheduler.runOne()
      })
    }
  }
}

/** Ends the run without faults: every open call is answered, and every transfer is found. */
async function end(world: World, run: Run): Promise<void> {
  const { faults, scheduler, model, trace } = world
  trace.tell('world: nothing fails from now on')
  faults.isCalm = true
  world.skewMs = 0
  const isDone = (): boolean =>
    world.unanswered.size === 0 &&
    [...model.payments.values()].every(({ state }) => state === 'settled' || state === 'released')
  for (let left = MAX_FINAL_STEPS; left > 0 && !isDone(); left -= 1) {
    if (left % 300 === 0) {
      scheduler.advance(VALIDITY_MS)
      await run(() => act(world, reconcile))
    }
    if (!(await run(() => finish(world)))) return
  }
  if (!isDone()) {
    world.violation ??= `after ${MAX_FINAL_STEPS} steps without a fault something was still open`
    return
  }
  let isVerified = false
  await run(() =>
    act(world, (_world, process) => {
      follow(world, 'verify', process.bursar.auditing.verify(), (verification) => {
        isVerified = true
        if (!verification.ok) world.violation ??= `L2: ${verification.reason}`
      })
    }),
  )
  while (!isVerified && (await run(() => finish(world)))) {}
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
