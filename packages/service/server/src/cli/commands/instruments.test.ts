import { fakeAsset } from '@bursar/core/testing'
import { expect, test } from 'vitest'
import { commandWorld } from '../../../test/command-world.ts'

test('lists instruments and assets, and shows how to fund an instrument', async () => {
  const { run, json } = commandWorld()
  const [instrument] = (await json('instruments', 'list')).json.rows
  expect(instrument).toMatchObject({ handle: 'alice-wallet', endUser: 'alice' })
  expect((await run('instruments', 'list')).out).toContain(`alice-wallet  alice     0x`)
  expect((await json('instruments', 'assets')).json.rows).toContainEqual(fakeAsset)
  expect((await run('instruments', 'assets')).out).toContain(fakeAsset.address)
  const { out } = await run('instruments', 'funding', 'alice-wallet', '--end-user', 'alice')
  expect(out).toContain(`Send to ${instrument.address}:`)
  expect(out).toContain(`${fakeAsset.symbol}    ${fakeAsset.network}`)
})

test('an instrument of another end user is unknown', async () => {
  const { run } = commandWorld()
  const { code, error } = await run('instruments', 'funding', 'alice-wallet', '--end-user', 'bob')
  expect([code, error]).toEqual([3, expect.stringContaining('no instrument called alice-wallet')])
})
