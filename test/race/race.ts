import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bursar } from '@bursar/core'
import { type FakeChain, fakeAsset, fakeChain, fakeWallet } from '@bursar/core/testing'
import type { StoreKind } from '../places/store-place.ts'
import { storePlaces } from '../places/store-places.ts'
import { type Contest, contestsOf, dollars } from './contest.ts'
import { raceGuard } from './guard.ts'
import type { Outcome, Volley } from './volley.ts'

/** The way in which payers reach the guard of their process. */
export type Reach = 'embedded' | 'service'

/** The ways to reach a guard. */
export const reaches: readonly Reach[] = ['embedded', 'service']

/** The size of a race. */
export interface RaceSize {
  readonly kind: StoreKind
  /** Whether payers have a guard in their process, or reach a server of it over HTTP. */
  readonly reach: Reach
  /** The number of operating-system processes, each with a guard. */
  readonly processes: number
  /** The number of payers in each process. */
  readonly payers: number
  readonly rounds: number
}

const script = fileURLToPath(new URL('./payer.ts', import.meta.url))

/**
 * Lets many payers in several processes pay at once, contest after contest. Returns each broken
 * expectation. Calls `onContest` after each contest.
 */
export async function race(
  size: RaceSize,
  onContest: (line: string) => void = () => {},
): Promise<readonly string[]> {
  const places = await storePlaces(size.kind)
  const folder = mkdtempSync(join(tmpdir(), 'bursar-race-'))
  const racers: ChildProcess[] = []
  try {
    const [place, file] = [await places.empty(), join(folder, 'chain')]
    const chain = fakeChain({ file })
    chain.mint(fakeAsset, await fakeWallet().address('evm'), 1_000_000_000_000n)
    const bursar = raceGuard(place, chain)
    await bursar.reconcile()
    const { id: payer, key } = size.reach === 'service' ? await issuedKey(bursar) : nobody
    while (racers.length < size.processes) racers.push(fork(script, [place, file, key]))
    await Promise.all(racers.map((racer) => once(racer, 'message')))
    const problems: string[] = []
    for (let round = 0; round < size.rounds; round += 1) {
      for (const contest of await contestsOf(bursar, round, size.processes * size.payers, payer)) {
        const told = await run(contest, { ...size, racers, bursar, chain })
        const name = `${size.kind}, ${size.reach}, round ${round + 1} of ${size.rounds}: ${contest.name}`
        problems.push(...told.problems.map((problem) => `${name}: ${problem}`))
        onContest(`${name}: ${told.line}`)
      }
    }
    await Promise.all(racers.map(ended))
    const verified = await bursar.auditing.verify()
    if (!verified.ok) problems.push(`${size.kind}: ${JSON.stringify(verified)}`)
    await bursar.close()
    return problems
  } finally {
    for (const racer of racers) racer.kill('SIGKILL')
    rmSync(folder, { recursive: true })
    await places.stop()
  }
}

/** The absent credential of a session that is not bound to a payer. */
const nobody = { id: undefined, key: '' }

function issuedKey({ administration }: Bursar): Promise<{ id: string; key: string }> {
  return administration.issueKey({ roles: ['payer'], expiresIn: '1d' })
}

interface Course {
  readonly payers: number
  readonly racers: readonly ChildProcess[]
  readonly bursar: Bursar
  readonly chain: FakeChain
}

async function run(contest: Contest, { payers, racers, bursar, chain }: Course) {
  const before = chain.transfers().length
  const startedAt = performance.now()
  const answers = await Promise.all(
    racers.map(async (racer, index) => {
      const volley: Volley = Array.from({ length: payers }, (_, payer) =>
        contest.shot(index * payers + payer),
      )
      const answer = once(racer, 'message')
      racer.send(volley)
      return ((await answer) as [readonly Outcome[]])[0]
    }),
  )
  const tookMs = Math.round(performance.now() - startedAt)
  const outcomes = answers.flat()
  const problems = problemsOf(contest, outcomes, chain.transfers().slice(before))
  await bursar.reconcile()
  const all = await Promise.all(contest.sessions.map((session) => session.status()))
  const sum = (of: (one: (typeof all)[number]) => unknown): number =>
    all.reduce((total, one) => total + Math.round(Number(of(one)) * 100), 0) / 100
  const [settled, held] = [sum((one) => one.settled), sum((one) => one.held)]
  const shown = `${sum((one) => one.payments)} payments, ${settled.toFixed(2)} settled, ${held.toFixed(2)} held`
  const expected = `${contest.payments} payments, ${dollars(contest.payments)} settled, 0.00 held`
  if (shown !== expected) problems.push(`the session says ${shown}, not ${expected}`)
  return {
    problems,
    line: `${contest.payments} of ${outcomes.length} had to pay, and ${
      problems.length === 0 ? 'did' : 'did NOT'
    }, in ${tookMs} ms`,
  }
}

/** Returns the contradictions between the answers to payers and the transfers on the chain. */
function problemsOf(
  { payments, refusals }: Contest,
  outcomes: readonly Outcome[],
  transfers: readonly { readonly nonce: string }[],
): string[] {
  const problems: string[] = []
  const paid = outcomes.filter(({ code }) => code === 'paid')
  const ids = new Set(paid.map(({ paymentId }) => paymentId))
  if (ids.size !== payments) problems.push(`${ids.size} payments were answered, not ${payments}`)
  if (transfers.length !== payments) problems.push(`${transfers.length} transfers, not ${payments}`)
  if (new Set(transfers.map(({ nonce }) => nonce)).size !== transfers.length) {
    problems.push('one authorization has moved money twice')
  }
  const others = outcomes.filter(({ code }) => code !== 'paid' && !refusals.includes(code))
  for (const code of new Set(others.map((one) => one.code))) problems.push(`somebody got ${code}`)
  // Several requests have a payment each, and one request has one payment for all callers.
  if (payments > 1 && paid.length !== payments) {
    problems.push(`${paid.length} payers were told that they paid, not ${payments}`)
  }
  return problems
}

async function ended(racer: ChildProcess): Promise<void> {
  const exit = once(racer, 'exit')
  racer.send('end')
  await exit
}
