import type { LimitsInput } from '@bursar/core'
import { fakeAsset } from '@bursar/core/testing'
import { follow, makeCall } from './calls.ts'
import { killProcess, openProcess } from './guard-process.ts'
import { lineOf } from './model.ts'
import { hosts, prices } from './shop.ts'
import { addressOf, endUsers, type GuardProcess, type World } from './world.ts'

/** An action in the world, with its frequency among all others. */
export interface Action {
  readonly weight: number
  run(world: World): Promise<void> | void
}

/** The most processes at the same time. */
const MAX_PROCESSES = 3

/** The most sessions and delegations of a world: enough to share budgets. */
const MAX_SESSIONS = 8
const MAX_DELEGATIONS = 4

const actions: readonly Action[] = [
  { weight: 60, run: goOn },
  { weight: 14, run: (world) => act(world, pay) },
  { weight: 6, run: (world) => world.scheduler.advance(world.random.between(1, 900)) },
  { weight: 1.5, run: (world) => world.scheduler.advance(world.random.between(1_000, 6_000)) },
  { weight: 1, run: toBoundary },
  {
    weight: 0.03,
    run: (world) => world.scheduler.advance(world.random.between(60_000, 7_200_000)),
  },
  { weight: 0.2, run: jump },
  { weight: 4, run: settleWithheld },
  { weight: 1.5, run: settleLate },
  { weight: 0.2, run: moveFunds },
  { weight: 0.6, run: restart },
  { weight: 2, run: (world) => act(world, reconcile) },
  { weight: 1.2, run: (world) => act(world, createSession) },
  { weight: 1, run: (world) => act(world, openChild) },
  { weight: 0.5, run: (world) => act(world, changeSession) },
  { weight: 0.3, run: (world) => act(world, endSession) },
  { weight: 0.3, run: (world) => act(world, unlock) },
  { weight: 1.5, run: (world) => act(world, answer) },
  { weight: 0.2, run: (world) => act(world, grant) },
  { weight: 0.04, run: (world) => act(world, revoke) },
  { weight: 0.15, run: (world) => act(world, limit) },
  { weight: 0.5, run: (world) => act(world, verify) },
]

/** The actions of worlds where only windows bind: payments, and time up to the ends of windows. */
const bindingActions: readonly Action[] = [
  { weight: 60, run: goOn },
  { weight: 14, run: (world) => act(world, pay) },
  { weight: 2, run: toBoundary },
]

/** The action of cancelling, only in some worlds: it ends states that other faults need. */
const cancelling: Action = { weight: 0.5, run: (world) => act(world, cancel) }

/** Picks an action by its weight. */
export function pickAction(world: World): Action {
  const usual = world.cancels ? [...actions, cancelling] : actions
  const possible = world.bug?.bindingWindows ? bindingActions : usual
  const totalWeight = possible.reduce((sum, { weight }) => sum + weight, 0)
  let left = (world.random.between(0, 999_999) / 1_000_000) * totalWeight
  for (const action of possible) {
    left -= action.weight
    if (left < 0) return action
  }
  return { weight: 0, run: goOn }
}

/** Runs waiting work. If there is none, starts a payment, as long as a session is open. */
async function goOn(world: World): Promise<void> {
  if (await world.scheduler.runOne()) return
  if (world.delegations.length < 2) await act(world, grant)
  else await act(world, world.sessions.length < 4 ? createSession : pay)
}

/** Runs waiting work. If there is none, advances time to the next timer. */
export async function finish({ scheduler }: World): Promise<void> {
  if (await scheduler.runOne()) return
  scheduler.advance(Math.max(1, (scheduler.nextTimer() ?? 0) - scheduler.elapsed()))
}

export async function act(
  world: World,
  begin: (world: World, process: GuardProcess) => void,
): Promise<void> {
  const process = world.random.pick(world.processes)
  await world.scheduler.enter(process, () => begin(world, process))
}

function pay(world: World, process: GuardProcess): void {
  const { random, sessions, model } = world
  if (sessions.length === 0) return
  const session = random.pick(sessions)
  const { id, token } = session
  const known = model.accounts.get(id)
  const isOver = known && lineOf(known).some((one) => one.ended || world.clock() >= one.expiresAt)
  // Sessions that have ended are tried a few times, and then no more.
  if (isOver && random.chance(0.8)) sessions.splice(sessions.indexOf(session), 1)
  const url = `https://${random.pick(hosts)}/${random.between(0, prices.length - 1)}`
  // The keys are few, so that one is reused in other processes and for other requests.
  const key = random.chance(0.7) ? `thread ${random.between(0, 30)}` : undefined
  const maxAmount = random.chance(0.1) ? '0.01' : undefined
  makeCall(world, process, token, { session: id, url, key, maxAmount })
}

export function reconcile(world: World, process: GuardProcess): void {
  world.trace.tell(`${process.name}: reconcile`)
  follow(world, 'reconcile', process.bursar.reconcile())
}

export function grant(world: World, process: GuardProcess): void {
  const { random, delegations } = world
  if (delegations.length >= MAX_DELEGATIONS) return
  const endUser = random.pick(endUsers)
  const granting = process.bursar.endUser(endUser).grantDelegation({
    agent: 'researcher',
    instrument: `${endUser}-wallet`,
    expiresIn: random.pick(['1h', '1d', '30d']),
    limits: limits(world, 10, 100),
    merchants: hosts.map((host) => ({ host })),
    consent: { how: 'simulation' },
  })
  follow(world, 'grant', granting, ({ id }) => {
    world.trace.tell(`${process.name}: ${endUser} granted ${id}`)
    delegations.push({ id, endUser })
  })
}

/** Sets an end user's limits over all delegations, before or after the first payment. */
function limit(world: World, process: GuardProcess): void {
  const endUser = world.random.pick(endUsers)
  world.trace.tell(`${process.name}: ${endUser} sets limits`)
  follow(world, 'set limits', process.bursar.endUser(endUser).setLimits(limits(world, 10, 120)))
}

function revoke(world: World, process: GuardProcess): void {
  const { random, delegations, model } = world
  if (delegations.length < 2) return
  const { id, endUser } = random.pick(delegations)
  world.trace.tell(`${process.name}: ${endUser} revokes ${id}`)
  const revoking = process.bursar.endUser(endUser).revokeDelegation(id)
  follow(world, 'revoke', revoking, () => {
    delegations.splice(
      delegations.findIndex((one) => one.id === id),
      1,
    )
    world.check()
    if (!model.accounts.get(id)?.ended) world.violation ??= `L10: ${id} was not revoked durably`
  })
}

export function createSession(world: World, process: GuardProcess): void {
  const { random, delegations, sessions } = world
  if (delegations.length === 0) return
  if (sessions.length >= MAX_SESSIONS) sessions.shift()
  const granted = random.pick(delegations)
  const delegation = granted.id
  const expiresAt = world.model.accounts.get(delegation)?.expiresAt ?? 0
  if (expiresAt < world.clock()) delegations.splice(delegations.indexOf(granted), 1)
  const creating = process.bursar.management.createSession({
    delegation,
    expiresIn: random.pick(['2m', '30m', '2h']),
    limits: limits(world, 2, 20),
    ...(random.chance(0.3) ? { merchants: [{ host: random.pick(hosts) }] } : {}),
  })
  follow(world, 'create a session', creating, ({ id, token }) => {
    world.trace.tell(`${process.name}: created ${id} of ${delegation}`)
    sessions.push({ id, token })
  })
}

function openChild(world: World, process: GuardProcess): void {
  const { random, sessions } = world
  if (sessions.length === 0) return
  const parent = random.pick(sessions)
  const opening = process.bursar.openSession(parent.token).openChild({
    expiresIn: random.pick(['1m', '10m', '1h']),
    limits: limits(world, 1, 12),
  })
  follow(world, 'open a child', opening, ({ session, token }) => {
    world.trace.tell(`${process.name}: ${session.id} is a child of ${parent.id}`)
    sessions.push({ id: session.id, token })
  })
}

function changeSession(world: World, process: GuardProcess): void {
  const { random, sessions } = world
  if (sessions.length === 0) return
  const { id } = random.pick(sessions)
  world.trace.tell(`${process.name}: change ${id}`)
  const changing = process.bursar.management.changeSession(id, {
    ...(random.chance(0.6) ? { limits: limits(world, 2, 20) } : {}),
    expiresIn: random.pick(['30s', '10m', '2h']),
  })
  follow(world, 'change a session', changing)
}

function endSession(world: World, process: GuardProcess): void {
  const { random, sessions, model } = world
  if (sessions.length < 3) return
  const { id, token } = random.pick(sessions)
  const { management } = process.bursar
  const isRevoked = random.chance(0.5)
  world.trace.tell(`${process.name}: ${isRevoked ? 'revoke' : 'close'} ${id}`)
  const ending: Promise<unknown> = isRevoked
    ? management.revokeSession(id)
    : process.bursar.openSession(token).close()
  follow(world, 'end a session', ending, () => {
    world.check()
    if (!model.accounts.get(id)?.ended) world.violation ??= `L10: ${id} was not ended durably`
  })
}

function unlock(world: World, process: GuardProcess): void {
  const locked = [...world.model.accounts.values()].find((account) => account.locked)
  if (!locked) return
  world.trace.tell(`${process.name}: unlock ${locked.id}`)
  follow(world, 'unlock', process.bursar.management.unlockSession(locked.id))
}

/** Answers waiting approvals as the end user. */
function answer(world: World, process: GuardProcess): void {
  const { random, disk, trace } = world
  const waiting = [...disk.approvals.values()].filter(({ state }) => state !== 'used')
  if (waiting.length === 0) return
  const { id, endUser } = random.pick(waiting)
  const facet = process.bursar.endUser(endUser)
  const isYes = random.chance(0.8)
  trace.tell(`${process.name}: ${endUser} says ${isYes ? 'yes' : 'no'} to ${id}`)
  follow(world, 'answer', isYes ? facet.approve(id) : facet.deny(id))
}

/** Cancels open payments as an end user, or as management. */
function cancel(world: World, process: GuardProcess): void {
  const { random, delegations, disk, trace } = world
  const open = [...disk.payments.values()].filter(({ provenAt }) => provenAt === undefined)
  const paid = open.length > 0 ? random.pick(open) : undefined
  const delegation = delegations.length > 0 ? random.pick(delegations) : undefined
  const target = random.chance(0.7)
    ? paid && { payment: paid.id }
    : delegation && { delegation: delegation.id }
  if (!target) return
  const endUser = 'payment' in target ? paid?.endUser : delegation?.endUser
  const isManager = random.chance(0.3)
  trace.tell(`${process.name}: ${isManager ? 'management' : endUser} cancels`)
  const { management } = process.bursar
  const facet = isManager ? management : process.bursar.endUser(`${endUser}`)
  follow(world, 'cancel', facet.cancel(target))
}

function verify(world: World, process: GuardProcess): void {
  world.trace.tell(`${process.name}: verify the trail`)
  // A verification that runs during lost writes is ignored; the one at the end counts.
  follow(world, 'verify', process.bursar.auditing.verify())
}

/** Kills a process at any await. Another one takes its place, now or later. */
async function restart(world: World): Promise<void> {
  const { random, processes } = world
  if (processes.length < MAX_PROCESSES && random.chance(0.4)) {
    await openProcess(world)
    return
  }
  killProcess(world, random.pick(processes))
  if (processes.length === 0) await openProcess(world)
}

/** Settles a payload that a merchant holds, at any time of its validity. */
function settleWithheld(world: World): void {
  const { chain, random, trace } = world
  if (chain.received.length === 0) return
  const recent = chain.received.slice(-6)
  const { nonce } = random.pick(recent).authorization
  trace.tell(`world: a merchant settles ${nonce}: ${chain.settle(nonce).settled}`)
}

/** Breaks finality: a timely transfer was in a block that is only seen now. */
function settleLate(world: World): void {
  const { chain, random, trace, late, model } = world
  const released = [...model.payments.values()].filter(({ state }) => state === 'released')
  const paid = released.length > 0 ? random.pick(released) : undefined
  if (!paid || chain.use(paid.payer, paid.nonce, Number.POSITIVE_INFINITY)) return
  // A payment without a signature cannot settle.
  late.add(paid.nonce)
  const { settled } = chain.settleLate(paid.nonce)
  if (!settled) late.delete(paid.nonce)
  trace.tell(`world: ${paid.id} settles after its time: ${settled}`)
}

/** Moves money into or out of an account, as its owner may at any time. */
function moveFunds(world: World): void {
  const { chain, random, trace } = world
  const address = addressOf(random.pick(endUsers))
  const balance = chain.balance(fakeAsset, address)
  const isEmpty = balance < 1_000_000n
  if (isEmpty) chain.mint(fakeAsset, address, 1_000_000_000n)
  else chain.burn(fakeAsset, address, balance - 15_000n)
  trace.tell(`world: ${address} ${isEmpty ? 'is funded' : 'is nearly emptied'}`)
}

/** Sets the stores' clock forwards or backwards. */
function jump(world: World): void {
  const { random, trace } = world
  world.skewMs = random.pick([0, 0, 0, 3_000, -3_000, 40_000, -40_000, 200_000, -200_000])
  trace.tell(`world: the clock of the stores is ${world.skewMs} ms ahead`)
}

/** Advances time to the last moment before an end, to the end itself, or just after it. */
function toBoundary(world: World): void {
  const { random, scheduler, model, trace } = world
  const now = world.clock()
  const farthest = random.chance(0.05) ? 7_200_000 : 61_000
  const ends = [
    ...[...model.accounts.values()].map(({ expiresAt }) => expiresAt),
    ...[...model.payments.values()].flatMap(({ reservedAt, validBefore }) => [
      reservedAt + 60_000,
      reservedAt + 3_600_000,
      validBefore * 1_000,
    ]),
  ].filter((end) => end > now + 1 && end < now + farthest)
  if (ends.length === 0) return
  const nearest = ends.toSorted((left, right) => left - right).slice(0, 4)
  const ms = random.pick(nearest) - now + random.pick([-random.between(2, 900), -1, 0, 1])
  trace.tell(`world: ${ms} ms pass, to a boundary`)
  scheduler.advance(Math.max(1, ms))
}

/** Limits that are reached soon: from `least` to `most` hundredths. */
function limits(world: World, least: number, most: number): LimitsInput {
  const { random, bug } = world
  const hundredths = (few: number, many: number): string =>
    (random.between(few, many) / 100).toFixed(2)
  if (bug?.bindingWindows) {
    const windows = [{ per: 'minute', amount: hundredths(3, 6) }] as const
    return { currency: 'USD', total: '100.00', windows }
  }
  const window = (per: 'minute' | 'hour' | 'utc-day') => ({
    per,
    amount: hundredths(Math.min(3, most), Math.min(per === 'minute' ? 6 : 30, most)),
    ...(random.chance(0.3) ? { payments: random.between(2, 6) } : {}),
  })
  const windows = (['minute', 'hour', 'utc-day'] as const)
    .filter((per) => random.chance(per === 'minute' ? 0.5 : 0.2))
    .map(window)
  return {
    currency: 'USD',
    total: hundredths(least, most),
    ...(random.chance(0.2) ? { perPayment: hundredths(1, 3) } : {}),
    ...(random.chance(0.2) ? { payments: random.between(2, 12) } : {}),
    windows,
    ...(random.chance(0.15) ? { perMerchant: perMerchant(hundredths, world) } : {}),
  }
}

/** Draws limits for single merchants that are reached soon. */
function perMerchant(
  hundredths: (few: number, many: number) => string,
  { random }: World,
): NonNullable<LimitsInput['perMerchant']> {
  return {
    total: hundredths(1, 8),
    ...(random.chance(0.3) ? { payments: random.between(1, 5) } : {}),
    ...(random.chance(0.3) ? { windows: [{ per: 'minute', amount: hundredths(1, 4) }] } : {}),
  }
}
