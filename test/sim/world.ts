import type { Bursar, Rail, Store, Wallet } from '@bursar/core'
import { type FakeChain, fakeChain, fakeMerchant } from '@bursar/core/testing'
import { type Disk, emptyDisk } from './disk.ts'
import { type Faults, seededFaults } from './faults.ts'
import { type Asked, createModel, type Model } from './model.ts'
import { type Random, seeded } from './random.ts'
import { createScheduler, type Process, type Scheduler } from './scheduler.ts'
import type { Outside } from './seams.ts'
import { resourceOf } from './shop.ts'
import { createTrace, type Trace } from './trace.ts'
import { checker, type Truth } from './truth.ts'

/** A process with its guard. */
export interface GuardProcess extends Process {
  readonly bursar: Bursar
}

/** A planted bug: a possible mistake in a part of the guard, injected from outside. */
export interface Bug {
  readonly name: string
  /** Whether the bug shows only where windows bind: in worlds without other limits and faults. */
  readonly bindingWindows?: true
  store?(store: Store, inside: { readonly process: Process; readonly clock: () => number }): Store
  rail?(rail: Rail, clock: () => number): Rail
  wallet?(wallet: Wallet): Wallet
  /** Changes a global that no option of a guard covers. Returns a function that restores it. */
  install?(): () => void
}

/** A world with merchants, a chain, a disk, and processes that pay. */
export interface World {
  readonly random: Random
  /** Whether payments are cancelled in this world. */
  readonly cancels: boolean
  readonly scheduler: Scheduler
  readonly faults: Faults
  readonly chain: FakeChain
  readonly disk: Disk
  readonly model: Model
  readonly trace: Trace
  readonly asked: Map<string, Asked>
  /** The calls without an answer, by the process that made them. */
  readonly unanswered: Map<string, Process>
  readonly processes: GuardProcess[]
  readonly sessions: { readonly id: string; readonly token: string }[]
  readonly delegations: { readonly id: string; readonly endUser: string }[]
  /** The nonces that were settled after their validity. */
  readonly late: Set<string>
  /** The number of processes so far. */
  opened: number
  /** The milliseconds by which the stores' clock is ahead of the true time. */
  skewMs: number
  /** The first rule that was broken. */
  violation: string | undefined
  readonly truth: Truth
  /** The simulated surroundings that every guard shares. */
  readonly outside: Outside
  readonly bug: Bug | undefined
  /** Returns the time of the stores' clock. */
  clock(): number
  /** Keeps the first broken rule. Does nothing if the rule holds. */
  fail(rule: string | undefined): void
  /** Checks every rule on the present state. */
  check(): void
}

const START = Date.UTC(2030, 0, 1, 12)

/** The age at which a block is final. */
const FINALITY_SECONDS = 4

/** The share of worlds in which payments are cancelled: one in so many. */
const CANCELLING_WORLDS = 4

export const endUsers = ['alice', 'bob'] as const
export function createWorld(seed: number, bug: Bug | undefined): World {
  const random = seeded(seed)
  const trace = createTrace()
  const scheduler = createScheduler(random, (process, label) =>
    trace.tell(`  ${process?.name ?? 'world'}: ${label}`),
  )
  const faults = seededFaults(random)
  const trueTime = (): number => START + scheduler.elapsed()
  const chain = fakeChain({ clock: trueTime, finalitySeconds: FINALITY_SECONDS })
  const merchant = fakeMerchant({
    chain,
    resource: (request) => resourceOf(request, faults),
    onMoment: (moment) => scheduler.later(undefined, moment, () => {}),
  })
  const disk = emptyDisk()
  const asked = new Map<string, Asked>()
  const signatures = new Map<string, number>()
  const late = new Set<string>()
  const model = createModel(asked)
  const truth: Truth = { chain, disk, signatures, late }
  const check = checker(truth, model, trace.tell)
  const fail = (text: string | undefined): void => {
    world.violation ??= text
  }
  const signed = (nonce: string): void => {
    signatures.set(nonce, (signatures.get(nonce) ?? 0) + 1)
    const isReserved = [...disk.payments.values()].some((one) => one.nonce === nonce)
    if (!isReserved) fail('L4: something was signed that is not reserved durably')
  }
  const world: World = {
    random,
    cancels: seed % CANCELLING_WORLDS === 0,
    scheduler,
    faults,
    chain,
    disk,
    model,
    trace,
    asked,
    unanswered: new Map(),
    processes: [],
    sessions: [],
    delegations: [],
    late,
    truth,
    outside: { scheduler, faults, chain, merchant, signed },
    bug,
    skewMs: 0,
    opened: 0,
    violation: undefined,
    clock: () => trueTime() + world.skewMs,
    fail,
    check: () => fail(check()),
  }
  return world
}

export function addressOf(endUser: string): string {
  return `0x${Buffer.from(endUser).toString('hex').padStart(40, '0')}`
}
