import { describe, expect, test } from 'vitest'
import { guardWorld } from './guard-world.ts'

async function fundedBy(fundingLink?: (address: string) => Promise<string>) {
  const world = await guardWorld()
  const { wallet, bursar } = world
  const instrument = { endUser: 'alice', wallet, fundingLink }
  await bursar.administration.registerInstrument('alice-2', instrument)
  return { address: await wallet.address('evm'), alice: bursar.endUser('alice'), bursar }
}

describe('funding an instrument', () => {
  test('is a transfer to its address, in what can be paid with', async () => {
    const { alice, address, bursar } = await fundedBy()
    const asset = bursar.administration.assets().find(({ symbol }) => symbol === 'FUSD')
    expect(await alice.funding('alice-2')).toEqual({
      instrument: 'alice-2',
      address,
      assets: [{ network: asset?.network, address: asset?.address, symbol: 'FUSD' }],
    })
  })

  test('is a page of the provider, where it has one', async () => {
    const { alice, address } = await fundedBy(async (to) => `https://pay.example/buy?to=${to}`)
    expect(await alice.funding('alice-2')).toMatchObject({
      address,
      link: `https://pay.example/buy?to=${address}`,
    })
  })

  test('of another end user is unknown', async () => {
    const { bursar } = await fundedBy()
    const problem = expect.objectContaining({ code: 'instrument_unknown' })
    await expect(bursar.endUser('bob').funding('alice-2')).rejects.toThrow(problem)
    await expect(bursar.endUser('alice').funding('alice-3')).rejects.toThrow(problem)
  })

  const links: [string, () => Promise<string>][] = [
    ['cannot be made', () => Promise.reject(new Error('down'))],
    ['is not encrypted', async () => 'http://pay.example/buy'],
    ['is a script', async () => 'javascript:alert(1)'],
    ['has a password', async () => 'https://user:word@pay.example/buy'],
    ['is none', async () => 5 as never],
    ['is endless', async () => `https://pay.example/${'x'.repeat(5_000)}`],
  ]
  test.each(links)('a link that %s is not handed on', async (_what, link) => {
    const { alice } = await fundedBy(link)
    const problem = expect.objectContaining({ code: 'wallet_unavailable' })
    await expect(alice.funding('alice-2')).rejects.toThrow(problem)
  })

  test('is made by a function', async () => {
    const problem = 'instrument alice-2: fundingLink: must be a function.'
    await expect(fundedBy('https://pay.example' as never)).rejects.toThrow(problem)
  })
})
