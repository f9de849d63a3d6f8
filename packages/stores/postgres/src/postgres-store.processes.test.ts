import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresStore } from './postgres-store.ts'
import { isChained, noted, plant, reasonsOf, sessionId, trailOf } from './test-process/ledger.ts'
import { type TestPostgres, testPostgres } from './test-process/postgres-server.ts'

let server: TestPostgres

beforeAll(async () => {
  server = await testPostgres()
})

afterAll(() => server.stop())

const script = fileURLToPath(new URL('./test-process/payer.ts', import.meta.url))

/** More commits than a process gets done before it is killed. */
const ENDLESS = 1_000_000

function startPayer(schema: string, name: string, ...values: (number | string)[]): ChildProcess {
  const all = [script, server.url, schema, name, ...values.map(String)]
  return spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Every line that a process prints; `onLine` is told how many there are. */
async function linesOf(child: ChildProcess, onLine?: (count: number) => void): Promise<string[]> {
  const lines: string[] = []
  const ended = once(child, 'close')
  if (!child.stdout) throw new Error('The output of the process is not piped.')
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    onLine?.(lines.length)
  }
  await ended
  return lines
}

function open(schema: string): ReturnType<typeof postgresStore> {
  return postgresStore({ url: server.url, schema })
}

test('three processes hold one limit exactly, and write one chain', async () => {
  const store = open('limit')
  await plant(store, 60n)
  const children = ['one', 'two', 'three'].map((name) => startPayer('limit', name, 100, 20))
  const printed = (await Promise.all(children.map((child) => linesOf(child)))).flat()
  expect(children.map((child) => child.exitCode)).toEqual([0, 0, 0])
  expect(printed.filter((line) => line.startsWith('held')).length).toBe(60)

  const trail = await trailOf(store)
  expect(reasonsOf(trail).slice(1).toSorted()).toEqual(printed.toSorted())
  expect(trail.length).toBe(301)
  expect(isChained(trail)).toBe(true)
  expect((await store.read({ session: sessionId })).session?.usage.heldMicro).toBe(60n)
  await store.close()
})

test('a key that three processes use at once is pinned to one payment', async () => {
  const store = open('keys')
  await plant(store, 1_000n)
  const children = ['one', 'two', 'three'].map((name) => startPayer('keys', name, 100, 10, 'keyed'))
  const printed = (await Promise.all(children.map((child) => linesOf(child)))).flat()
  expect(printed.length).toBe(300)
  const held = printed.filter((line) => line.startsWith('held'))
  expect(new Set(held).size).toBe(100)
  expect(held.length).toBe(100)
  const { rows } = await store.payments({ session: sessionId }, {})
  expect(rows.length).toBe(100)
  await store.close()
})

test.each([1, 20, 300])(
  'keeps what was promised before a process is killed (%i at once)',
  async (atOnce) => {
    const schema = `killed_${atOnce}`
    const store = open(schema)
    await plant(store, 1_000_000n)
    const child = startPayer(schema, 'payer', ENDLESS, atOnce)
    const lines = await linesOf(child, (count) => count === 100 && child.kill('SIGKILL'))
    expect(child.signalCode).toBe('SIGKILL')

    // A commit waits for what the server still does for the one that was killed.
    await store.commit({}, () => ({ result: 0, events: [noted('after')] }), 'now')
    const trail = await trailOf(store)
    const held = new Set(reasonsOf(trail).filter((reason) => reason.startsWith('held')))
    expect(lines.filter((line) => !held.has(line))).toEqual([])
    expect(isChained(trail)).toBe(true)
    // Rows and records of a commit are there together, or not at all.
    const { session } = await store.read({ session: sessionId })
    expect(session?.usage.heldMicro).toBe(BigInt(held.size))
    await store.close()
  },
)

test('four processes may make the same schema at once', async () => {
  const children = ['one', 'two', 'three', 'four'].map((name) => startPayer('fresh', name, 0, 0))
  await Promise.all(children.map((child) => linesOf(child)))
  expect(children.map((child) => child.exitCode)).toEqual([0, 0, 0, 0])
  const store = open('fresh')
  expect(await trailOf(store)).toEqual([])
  await store.close()
})
