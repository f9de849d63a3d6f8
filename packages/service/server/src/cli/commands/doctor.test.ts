import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fakeAsset } from '@bursar/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { commandWorld } from '../../../test/command-world.ts'
import { checkChainClock, checkClock } from '../health-checks.ts'

type Found = readonly { readonly check: string; readonly state: string; readonly detail: string }[]

const statesOf = (findings: Found, check: string) =>
  findings.filter((one) => one.check === check).map(({ state }) => state)

test('doctor reports passed checks and warnings', async () => {
  const { run, json } = commandWorld()
  const { code, json: report } = await json('doctor')
  const findings: Found = report.findings
  expect([code, report.ok]).toEqual([0, true])
  for (const check of ['configuration', 'database', 'wallet', 'chain', 'balance']) {
    expect([check, ...statesOf(findings, check)]).toEqual([check, 'ok'])
  }
  const clocks = findings.filter(({ check }) => check === 'clock')
  expect(clocks).toMatchObject([
    { state: 'ok', detail: 'The clocks of the ledger and this machine agree.' },
    { state: 'ok', detail: `The clocks of ${fakeAsset.network} (fake) and this machine agree.` },
  ])
  expect(statesOf(findings, 'facilitator')).toEqual(['skipped'])
  const { out } = await run('doctor')
  expect(out).toContain('warning  keys           No administrator has a live key')
  expect(out).toContain('bursar keys create --role administrator --expires-in 90d')
  expect(out).toMatch(/ok {7}balance {8}alice-wallet holds 1000\.00 FUSD /)
  await run('keys', 'create', '--role', 'administrator', '--expires-in', '1d')
  const soon = (await json('doctor')).json.findings as Found
  expect(soon.find(({ check }) => check === 'keys')?.detail).toMatch(/^key_\w+ expires at 20/)
})

test('doctor shows its progress on a terminal', async () => {
  const { error } = await commandWorld({ isTTY: true }).run('doctor')
  expect(error).toBe('\r\u001b[Kchecking, 0 s\r\u001b[K')
})

test.each([
  [{ BURSAR_HOST: '0.0.0.0' }, 'configuration', 'plain http on 0.0.0.0'],
  [{ BURSAR_PORT: 'x' }, 'configuration', 'BURSAR_PORT'],
  [{ BURSAR_DATABASE: '/nowhere/bursar.db' }, 'database', ''],
  [{ BURSAR_DATABASE: 'postgres://127.0.0.1:1/none' }, 'database', ''],
])('%j fails', async (environment, check, detail) => {
  const { code, json: report } = await commandWorld({ environment }).json('doctor')
  expect([code, report.ok]).toEqual([4, false])
  const failed = (report.findings as Found).filter(({ state }) => state === 'failed')
  expect(failed[0]).toMatchObject({ check, detail: expect.stringContaining(detail) })
})

test('a folder without a configuration fails with the way out', async () => {
  const { code, out } = await commandWorld({ bare: true }).run('doctor')
  expect([code, out]).toEqual([4, expect.stringContaining('Write one with bursar init')])
})

test('a facilitator that settles elsewhere, or does not answer, fails', async () => {
  const server = createServer((_request, response) => {
    response.end(JSON.stringify({ kinds: [{ network: 'eip155:1' }] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const elsewhere = await commandWorld().json('doctor', '--facilitator', `http://127.0.0.1:${port}`)
  expect([elsewhere.code, statesOf(elsewhere.json.findings, 'facilitator')]).toEqual([
    4,
    ['failed'],
  ])
  const dead = await commandWorld().json('doctor', '--facilitator', 'http://127.0.0.1:1')
  expect([dead.code, statesOf(dead.json.findings, 'facilitator')]).toEqual([4, ['failed']])
})

test('clocks may differ by five seconds', () => {
  expect(checkClock('the host', 5_000, 0).state).toBe('ok')
  expect(checkClock('the host', 0, 5_001)).toMatchObject({
    state: 'failed',
    detail: 'The clock of the host is 5 s behind this machine.',
  })
})

test('a chain may be a minute behind or ahead: ahead fails, and behind may only be a quiet chain', () => {
  const at = (theirs: number, ours: number) => checkChainClock('a chain', theirs, ours)
  expect([at(60_000, 0).state, at(0, 60_000).state]).toEqual(['ok', 'ok'])
  expect(at(60_001, 0)).toMatchObject({
    state: 'failed',
    detail: 'The clock of a chain is 60 s ahead of this machine.',
  })
  expect(at(0, 61_000)).toMatchObject({
    state: 'warning',
    detail: 'The newest block of a chain is 61 s old.',
  })
})
