import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('./cli.ts', import.meta.url))

function start(...options: string[]) {
  const child = spawn(process.execPath, [program, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { child, exited: once(child, 'exit') }
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'prints the world as one line of JSON, stays up, and ends cleanly on %s',
  async (signal) => {
    const { child, exited } = start('--json', '--balance', '7.50')
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    const world = JSON.parse(line)
    expect(world.network).toBe('eip155:31337')
    expect(world.account.privateKey).toMatch(/^0x[0-9a-f]{64}$/)
    const market = world.merchants.find((one: { name: string }) => one.name === 'market')
    expect((await fetch(`${market.address}/quote`)).status).toBe(402)
    child.kill(signal)
    expect(await exited).toEqual([0, null])
    await expect(fetch(world.rpcUrl)).rejects.toThrow('fetch failed')
  },
)

test('prints the world as text', async () => {
  const { child, exited } = start()
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    if (text.includes('Stop with Ctrl-C.')) break
  }
  expect(text).toMatch(/^chain {8}http:\/\/127\.0\.0\.1:\d+ \(eip155:31337\)$/m)
  expect(text).toMatch(/^market {15}http:\/\/market\.localhost:\d+ {2}\(http:\/\/127/m)
  expect(text).toContain('  POST /translate                 0.03 TUSD')
  expect(text).toContain('  GET  /catalogue                 free')
  child.kill()
  expect(await exited).toEqual([0, null])
})

test('says what is wrong with its options, and starts nothing', async () => {
  const { child, exited } = start('--port', '1')
  let text = ''
  for await (const chunk of child.stderr) text += chunk
  expect(text).toContain("bursar-sandbox: Unknown option '--port'")
  expect(await exited).toEqual([1, null])
})

test('says what is wrong with a balance', async () => {
  const { child, exited } = start('--balance', '1e3')
  let text = ''
  for await (const chunk of child.stderr) text += chunk
  expect(text).toContain("'1e3' is not a decimal amount such as 10.00, with at most six decimals.")
  expect(await exited).toEqual([1, null])
})
