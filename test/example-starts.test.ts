import { rm } from 'node:fs/promises'
import { type Bursar, createBursar } from '@bursar/core'
import { sqliteStore } from '@bursar/store-sqlite'
import { x402 } from '@bursar/x402'
import { expect, onTestFinished, test, vi } from 'vitest'
import * as sandboxGuard from '../examples/sandbox-guard/src/sandbox-guard.ts'

/** The world that every start of an example finds, as a program finds its chain and its ledger. */
const found: { world?: sandboxGuard.SandboxGuard } = {}

vi.mock('../examples/sandbox-guard/src/sandbox-guard.ts', async (original) => {
  const real = await original<typeof sandboxGuard>()
  return {
    startSandboxGuard: async () => {
      found.world ??= await real.startSandboxGuard()
      return found.world
    },
  }
})

// The first example's check is about one start alone, and ends its world.
vi.mock('../examples/ai-sdk-agent/src/check.ts', () => ({ checkItself: async () => undefined }))

/** Runs a module from its first line again: each query is a module of its own. */
const start = (path: string, nth: number): Promise<unknown> =>
  import(/* @vite-ignore */ `../examples/${path}?start=${nth}`)

/** Starts an example twice, and once more after its end user has revoked what it may spend. */
async function expectOneBudget(bursar: Bursar, path: string, owner: string): Promise<void> {
  const endUser = bursar.endUser(owner)
  const { rows } = await endUser.delegations()
  expect(rows).toMatchObject([{ state: 'open' }])
  await start(path, 2)
  expect(await endUser.delegations()).toMatchObject({ rows: [{ id: rows[0]?.id }] })
  expect((await endUser.sessions()).rows).toHaveLength(1)
  for (const { id } of rows) await endUser.revokeDelegation(id)
  await expect(start(path, 3)).rejects.toThrow(
    expect.objectContaining({ code: 'delegation_revoked' }) as Error,
  )
  expect((await endUser.delegations()).rows).toMatchObject([{ state: 'revoked' }])
}

test.each([
  ['existing-client/src/sandbox-session.ts', 'owner'],
  ['langchain-agent/src/sandbox.ts', 'alice'],
  ['mastra-workflow/src/sandbox.ts', 'alice'],
  ['sub-agents/src/sandbox.ts', 'alice'],
  ['paid-mcp/src/sandbox.ts', 'owner'],
])('%s has one budget, however often it starts', async (path, owner) => {
  delete found.world
  const world = await sandboxGuard.startSandboxGuard()
  onTestFinished(() => world.close())
  await start(path, 1)
  await expectOneBudget(world.bursar, path, owner)
})

test('the set-up of the README has one budget, however often it starts', async () => {
  const main = 'ai-sdk-agent/src/main.ts'
  await start(main, 1)
  const { assets, folder, networks, path, sandbox } = await import(
    '../examples/ai-sdk-agent/src/sandbox.ts'
  )
  const bursar = createBursar({ store: sqliteStore({ path }), rails: [x402({ networks })], assets })
  onTestFinished(async () => {
    await bursar.close()
    await sandbox.stop()
    await rm(folder, { recursive: true })
  })
  await expectOneBudget(bursar, main, 'owner')
  // The call of the model is the same at each start, and so is its payment.
  expect((await bursar.endUser('owner').payments()).rows).toHaveLength(1)
})
