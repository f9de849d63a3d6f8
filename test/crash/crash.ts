import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type FakeConduct, fakeChain, manualClock } from '@bursar/core/testing'
import { type GuardWorld, guardWorld, spentOnChain } from '../guard-world.ts'
import type { StorePlaces } from '../places/store-place.ts'
import { printedUnlessKilled } from '../printed-unless-killed.ts'

/** The state of the money after the process of a payment was killed. */
export type End = 'nothing' | 'unsent' | 'withheld' | 'moved'

/**
 * A merchant's conduct, the result of an uninterrupted payment, and the ends that a kill may leave.
 */
export interface CrashCase {
  readonly conduct: FakeConduct
  readonly answer: string
  readonly ends: readonly End[]
}

export const crashCases: readonly CrashCase[] = [
  { conduct: 'honest', answer: 'paid', ends: ['nothing', 'unsent', 'moved'] },
  { conduct: 'drops', answer: 'in_doubt', ends: ['nothing', 'unsent', 'withheld'] },
]

/** The most crossings of a payment. The uninterrupted run returns the real number. */
const MAX_CROSSINGS = 120

/** The least crossings of a payment that is reserved, signed and sent. */
const FEWEST_CROSSINGS = 20

const START = Date.UTC(2030, 0, 1)
const payer = fileURLToPath(new URL('./payer.ts', import.meta.url))
const price = 10_000n

/** The ledger and the chain that a killed process leaves behind. */
interface Wreck {
  readonly places: StorePlaces
  readonly place: string
  readonly file: string
  /** The token of the session that paid. */
  readonly token: string
}

/**
 * Kills a payment at one await after another, and reconciles what each kill leaves, in each way
 * that the world may continue. A `stride` above 1 skips crossings. Throws if a payment was paid
 * twice, lost, or released too early.
 */
export async function crash(
  places: StorePlaces,
  { conduct, answer, ends }: CrashCase,
  stride: number,
  onKill: (line: string) => void = () => {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-crash-'))
  const base = await intact(places, join(folder, 'base.chain'))
  const met: End[] = []
  let finished: Finished | undefined
  for (let killAt = 0; !finished && killAt < MAX_CROSSINGS; killAt += stride) {
    const wreck = await copyOf(base, join(folder, `${killAt}.chain`))
    finished = await payAndDie(wreck, killAt, conduct)
    const end = await truthAfter(wreck)
    met.push(end)
    await places.remove(wreck.place)
    const when = finished ? 'not killed' : `killed at crossing ${killAt}`
    onKill(`${places.kind}, merchant ${conduct}, ${when}: ${end}`)
  }
  rmSync(folder, { recursive: true })
  assert.equal(finished?.status, answer)
  assert.ok(finished.crossings >= FEWEST_CROSSINGS, `${finished.crossings} crossings`)
  assert.deepEqual([...new Set(met)], ends)
}

/** Creates a ledger with a session that has not paid yet. */
async function intact(places: StorePlaces, file: string): Promise<Wreck> {
  const clock = manualClock(START)
  const place = await places.empty()
  const { bursar, token } = await guardWorld({ place, clock, chain: fakeChain({ clock, file }) })
  await bursar.close()
  return { places, place, file, token }
}

async function copyOf(wreck: Wreck, file: string): Promise<Wreck> {
  copyFileSync(wreck.file, file)
  return { ...wreck, file, place: await wreck.places.copyOf(wreck.place) }
}

async function truthAfter(wreck: Wreck): Promise<End> {
  const seen = await reopened(wreck, async ({ session, chain }) => {
    const { held = '', settled = '' } = await session.status()
    return { held, settled, moved: spentOnChain({ chain }), sent: chain.received.length > 0 }
  })
  if (seen.held === '0.00' && seen.settled === '0.00') {
    assert.deepEqual([seen.moved, seen.sent], [0n, false])
    await paidOnceAfter(wreck, 'nothing')
    return 'nothing'
  }
  // Checks that what may still move is held, and that what has moved is settled.
  const hasMoved = seen.moved === price
  assert.deepEqual([seen.held, seen.settled], hasMoved ? ['0.00', '0.01'] : ['0.01', '0.00'])
  if (hasMoved) {
    await paidOnceAfter(wreck, 'moved')
    return 'moved'
  }
  const late = seen.sent ? await copyOf(wreck, `${wreck.file}-late`) : undefined
  await expires(wreck)
  if (!late) return 'unsent'
  await settlesLate(late)
  await late.places.remove(late.place)
  return 'withheld'
}

/** Checks that the hold is released only once the payload can no longer be used. */
async function expires(wreck: Wreck): Promise<void> {
  await reopened(wreck, async ({ bursar, session, clock }) => {
    clock.advance(59_000)
    assert.partialDeepStrictEqual(await bursar.reconcile(), { open: 1, released: 0 })
    clock.advance(2_000)
    assert.partialDeepStrictEqual(await bursar.reconcile(), { released: 1 })
    const freed = { held: '0.00', settled: '0.00', payments: 0 }
    assert.partialDeepStrictEqual(await session.status(), freed)
  })
}

/** Checks that a merchant that has the payload may settle at the last moment. */
async function settlesLate(wreck: Wreck): Promise<void> {
  await reopened(wreck, async ({ bursar, session, chain, clock }) => {
    clock.advance(30_000)
    assert.equal(chain.settle(chain.received[0]?.authorization.nonce ?? '').settled, true)
    assert.partialDeepStrictEqual(await bursar.reconcile(), { settled: 1 })
    assert.partialDeepStrictEqual(await session.status(), { held: '0.00', settled: '0.01' })
  })
  await paidOnceAfter(wreck, 'moved')
}

/** Pays with the key again in a new process, and checks that the money moves once in all. */
async function paidOnceAfter(wreck: Wreck, before: 'nothing' | 'moved'): Promise<void> {
  await reopened(wreck, async ({ session, chain }) => {
    const again = await session.pay(
      { url: 'https://shop.example/a', purpose: 'crash' },
      { conversation: 'thread', id: 'call' },
    )
    assert.ok(['paid', 'undelivered'].includes(again.status), `the key answers ${again.status}`)
    assert.equal(chain.transfers().length, 1)
    assert.equal(chain.received.length, 1)
    if (before === 'moved') {
      assert.partialDeepStrictEqual(again, { receipt: { settlement: 'settled' } })
    }
  })
}

async function reopened<Result>(
  { places, place, file, token }: Wreck,
  look: (world: Pick<GuardWorld, 'bursar' | 'session' | 'chain' | 'clock'>) => Promise<Result>,
): Promise<Result> {
  await places.left(place)
  const clock = manualClock(START)
  const world = await guardWorld({ place, clock, chain: fakeChain({ clock, file }) })
  // The guard reconciles when it opens, so the check waits for that.
  await world.bursar.reconcile()
  const result = await look({ ...world, session: world.bursar.openSession(token) })
  assert.partialDeepStrictEqual(await world.bursar.auditing.verify(), { ok: true })
  await world.bursar.close()
  return result
}

/** The output of a payer that was not killed. */
interface Finished {
  readonly status: string
  readonly crossings: number
}

/** The number of crossings; undefined if the payer was killed. */
async function payAndDie(
  { place, file, token }: Wreck,
  killAt: number,
  conduct: string,
): Promise<Finished | undefined> {
  const values = [place, file, token, `${START}`, `${killAt}`, conduct]
  const printed = await printedUnlessKilled(payer, values)
  return printed === undefined ? undefined : (JSON.parse(printed) as Finished)
}
