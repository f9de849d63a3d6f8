import { expect, test } from 'vitest'
import { createNetworkAsks } from './network-asks.ts'

const network = 'eip155:8453'
const busy = expect.objectContaining({ code: 'network_busy' })

test('a caller has a fifth of a network, and all callers have the whole', async () => {
  const asks = createNetworkAsks()
  const answer = Promise.withResolvers<number>()
  const ask = (caller: string, where = network) => asks.run(where, caller, () => answer.promise)
  const own = Array.from({ length: 10 }, () => ask('alice'))
  await expect(ask('alice')).rejects.toThrow(busy)
  const others = ['bob', 'carol', 'dora', 'emil'].flatMap((caller) =>
    Array.from({ length: 10 }, () => ask(caller)),
  )
  await expect(ask('frank')).rejects.toThrow(busy)
  const elsewhere = ask('frank', 'eip155:1')
  answer.resolve(7)
  expect(await Promise.all([...own, ...others, elsewhere])).toEqual(Array(51).fill(7))
  expect(await ask('alice')).toBe(7)
})

test('a question that fails makes room', async () => {
  const asks = createNetworkAsks()
  const fail = () => asks.run(network, 'alice', () => Promise.reject(new Error('down')))
  for (let time = 0; time < 11; time += 1) await expect(fail()).rejects.toThrow('down')
})
