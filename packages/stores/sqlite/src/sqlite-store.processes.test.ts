import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type AuditRecord, GENESIS_HASH, recordHash, type Store } from '@bursar/core'
import { afterAll, expect, test } from 'vitest'
import { sqliteStore } from './sqlite-store.ts'
import { plant, sessionId } from './test-process/ledger.ts'

const directory = mkdtempSync(join(tmpdir(), 'bursar-processes-'))

afterAll(() => rmSync(directory, { recursive: true }))

const script = fileURLToPath(new URL('./test-process/payer.ts', import.meta.url))

/** More commits than a process gets done before it is killed. */
const ENDLESS = 1_000_000

function startPayer(path: string, name: string, commits: number, atOnce: number): ChildProcess {
  const values = [script, path, name, String(commits), String(atOnce)]
  return spawn(process.execPath, values, { stdio: ['ignore', 'pipe', 'inherit'] })
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

async function trailOf(store: Store): Promise<readonly AuditRecord[]> {
  const trail: AuditRecord[] = []
  let after: string | undefined
  do {
    const page = await store.audit({ after })
    trail.push(...page.rows)
    after = page.cursor
  } while (after !== undefined)
  return trail
}

function isChained(trail: readonly AuditRecord[]): boolean {
  return trail.every(({ seq, at, body, hash }, index) => {
    const previous = trail[index - 1]?.hash ?? GENESIS_HASH
    return seq === index + 1 && hash === recordHash(previous, seq, at, body)
  })
}

function reasonsOf(trail: readonly AuditRecord[]): readonly string[] {
  return trail.map(({ body }) => (JSON.parse(body) as { reason: string }).reason)
}

test.each([1, 20, 300])(
  'keeps what was promised before a process is killed (%i at once)',
  async (atOnce) => {
    const path = join(directory, `killed-${atOnce}.db`)
    const first = sqliteStore({ path })
    await plant(first, 1_000_000n)
    await first.close()
    const child = startPayer(path, 'payer', ENDLESS, atOnce)
    const lines = await linesOf(child, (count) => count === 100 && child.kill('SIGKILL'))
    expect(child.signalCode).toBe('SIGKILL')

    const store = sqliteStore({ path })
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

test('two processes hold one limit exactly', async () => {
  const path = join(directory, 'shared.db')
  const store = sqliteStore({ path })
  await plant(store, 30n)
  const children = ['one', 'two'].map((name) => startPayer(path, name, 50, 5))
  const printed = (await Promise.all(children.map((child) => linesOf(child)))).flat()
  expect(children.map((child) => child.exitCode)).toEqual([0, 0])
  expect(printed.filter((line) => line.startsWith('held')).length).toBe(30)

  const trail = await trailOf(store)
  expect(reasonsOf(trail).slice(1).toSorted()).toEqual(printed.toSorted())
  expect(trail.length).toBe(101)
  expect(isChained(trail)).toBe(true)
  const { session } = await store.read({ session: sessionId })
  expect(session?.usage.heldMicro).toBe(30n)
  await store.close()
})

test('several processes may make the same new file at once', async () => {
  const path = join(directory, 'new.db')
  const children = ['one', 'two', 'three'].map((name) => startPayer(path, name, 0, 1))
  await Promise.all(children.map((child) => linesOf(child)))
  expect(children.map((child) => child.exitCode)).toEqual([0, 0, 0])
  const store = sqliteStore({ path })
  expect(await trailOf(store)).toEqual([])
  await store.close()
})
