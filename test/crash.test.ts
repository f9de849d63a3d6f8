import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fakeChain, manualClock } from '@bursar/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guardWorld, spentOnChain } from './guard-world.ts'

/** More crossings than a payment has: the run that is not killed says how many there are. */
const MAX_CROSSINGS = 80

/** A process is started for each crossing. */
const CRASH_BUDGET_MS = 180_000

/** A payment that is neither reserved, signed nor sent has fewer. */
const FEWEST_CROSSINGS = 15

const START = Date.UTC(2030, 0, 1)
const payer = fileURLToPath(new URL('./crash/payer.ts', import.meta.url))
const price = 10_000n

let folder: string
let token: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bursar-crash-'))
  const clock = manualClock(START)
  const chain = fakeChain({ clock, file: join(folder, 'base.chain') })
  const world = await guardWorld({ place: join(folder, 'base.db'), clock, chain })
  token = world.token
  await world.bursar.close()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a payment that is killed at any await', () => {
  test.concurrent.each([
    // The kinds of ends that have to have been met for a run to have looked everywhere.
    { conduct: 'honest', answer: 'paid', met: ['nothing', 'unsent', 'moved'] },
    { conduct: 'drops', answer: 'in_doubt', met: ['nothing', 'unsent', 'withheld'] },
  ])(
    'is never paid twice, never lost, never freed too early ($conduct)',
    async ({ conduct, answer, met }) => {
      const ends: string[] = []
      let finished: string | undefined
      for (let killAt = 0; finished === undefined && killAt < MAX_CROSSINGS; killAt += 1) {
        const run = `${conduct}-${killAt}`
        copy('base', run)
        finished = await payAndDie(run, killAt, conduct)
        ends.push(await truthAfter(run))
      }
      expect(JSON.parse(finished ?? '{}')).toMatchObject({ status: answer })
      // How many there are depends on what shares a write; each of them was the last one once.
      expect(ends.length).toBeGreaterThan(FEWEST_CROSSINGS)
      expect([...new Set(ends)]).toEqual(met)
    },
    CRASH_BUDGET_MS,
  )
})

/** Brings what a killed process left to the truth, in each way that the world may go on. */
async function truthAfter(run: string): Promise<string> {
  const seen = await reopened(run, async ({ bursar, session, chain }) => {
    await bursar.reconcile()
    const { held = '', settled = '' } = await session.status()
    return { held, settled, moved: spentOnChain({ chain }), sent: chain.received.length > 0 }
  })
  if (seen.held === '0.00' && seen.settled === '0.00') {
    expect([seen.moved, seen.sent]).toEqual([0n, false])
    await paidOnceAfter(run, 'nothing')
    return 'nothing'
  }
  // Whatever may still move is held, and whatever has moved is settled: nothing in between.
  expect(seen).toMatchObject(
    seen.moved === price ? { held: '0.00', settled: '0.01' } : { held: '0.01', settled: '0.00' },
  )
  if (seen.moved === price) {
    await paidOnceAfter(run, 'moved')
    return 'moved'
  }
  copy(run, `${run}-late`)
  await expires(run)
  if (seen.sent) await settlesLate(`${run}-late`)
  return seen.sent ? 'withheld' : 'unsent'
}

/** Nobody settles: once the proof can never be used, the hold is released, and only then. */
async function expires(run: string): Promise<void> {
  await reopened(run, async ({ bursar, session, clock }) => {
    clock.advance(59_000)
    expect(await bursar.reconcile()).toMatchObject({ open: 1, released: 0 })
    clock.advance(2_000)
    expect(await bursar.reconcile()).toMatchObject({ released: 1 })
    expect(await session.status()).toMatchObject({ held: '0.00', settled: '0.00', payments: 0 })
  })
}

/** The merchant had the proof, and settles at the last moment. */
async function settlesLate(run: string): Promise<void> {
  await reopened(run, async ({ bursar, session, chain, clock }) => {
    clock.advance(30_000)
    expect(chain.settle(chain.received[0]?.authorization.nonce ?? '').settled).toBe(true)
    expect(await bursar.reconcile()).toMatchObject({ settled: 1 })
    expect(await session.status()).toMatchObject({ held: '0.00', settled: '0.01' })
  })
  await paidOnceAfter(run, 'moved')
}

/** The same key again, in a process that knows nothing of the first one. */
async function paidOnceAfter(run: string, before: 'nothing' | 'moved'): Promise<void> {
  await reopened(run, async ({ session, chain }) => {
    const again = await session.pay(
      { url: 'https://shop.example/a', purpose: 'crash' },
      { conversation: 'thread', id: 'call' },
    )
    expect(['paid', 'undelivered']).toContain(again.status)
    expect(chain.transfers()).toHaveLength(1)
    expect(chain.received).toHaveLength(1)
    if (before === 'moved') expect(again).toMatchObject({ receipt: { settlement: 'settled' } })
  })
}

async function reopened<Result>(
  run: string,
  look: (
    world: Pick<Awaited<ReturnType<typeof guardWorld>>, 'bursar' | 'session' | 'chain' | 'clock'>,
  ) => Promise<Result>,
): Promise<Result> {
  const clock = manualClock(START)
  const chain = fakeChain({ clock, file: join(folder, `${run}.chain`) })
  const world = await guardWorld({ place: join(folder, `${run}.db`), clock, chain })
  const session = world.bursar.openSession(token)
  const result = await look({ ...world, session })
  expect(await world.bursar.auditing.verify()).toMatchObject({ ok: true })
  await world.bursar.close()
  return result
}

function copy(from: string, to: string): void {
  for (const ending of ['db', 'db-wal', 'chain']) {
    const source = join(folder, `${from}.${ending}`)
    if (existsSync(source)) copyFileSync(source, join(folder, `${to}.${ending}`))
  }
}

/** What the payer printed, or `undefined` if it was killed. */
function payAndDie(run: string, killAt: number, conduct: string): Promise<string | undefined> {
  const files = [join(folder, `${run}.db`), join(folder, `${run}.chain`)]
  const values = [token, `${START}`, `${killAt}`, conduct]
  const child = spawn(process.execPath, [payer, ...files, ...values], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  let problems = ''
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined)
      else if (code === 0) resolve(printed)
      else reject(new Error(`the payer ended with ${code}: ${problems}`))
    })
  })
}
