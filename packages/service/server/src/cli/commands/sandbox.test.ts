import { expect, test } from 'vitest'
import { commandWorld } from '../../../test/command-world.ts'

test('prints a world that runs until it is asked to stop', async () => {
  let stop = (): void => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  const { json } = commandWorld({ bare: true, stopped: () => stopped })
  const running = json('sandbox', '--balance', '7.50')
  stop()
  const { code, json: world } = await running
  expect(code).toBe(0)
  expect(world).toMatchObject({ network: 'eip155:31337', asset: { symbol: 'TUSD' } })
  expect(world.hosts.length).toBeGreaterThan(5)
  await expect(fetch(world.rpcUrl)).rejects.toThrow('fetch failed')
})

test('says what is wrong with a balance, and starts nothing', async () => {
  const { code, error } = await commandWorld({ bare: true }).run('sandbox', '--balance', '1e3')
  expect([code, error]).toEqual([2, expect.stringContaining('--balance')])
})
