import { describe, expect, test } from 'vitest'
import { createBackground, createStrangers, perMinute } from './guard.ts'

const MINUTE = 60_000
const NOW = 1_000 * MINUTE

describe('a rate', () => {
  test('is kept up to its limit, then the first one over it is told apart', () => {
    const rate = perMinute(3)
    const take = () => rate.take('a', NOW)
    expect([take(), take(), take(), take(), take()]).toEqual([
      'within',
      'within',
      'within',
      'first-over',
      'over',
    ])
  })

  test('begins anew with each minute, and not before', () => {
    const rate = perMinute(1)
    expect(rate.take('a', NOW)).toBe('within')
    expect(rate.take('a', NOW + MINUTE - 1)).toBe('first-over')
    expect(rate.take('a', NOW + MINUTE)).toBe('within')
  })

  test('counts names apart, whatever they are', () => {
    const rate = perMinute(1)
    for (const name of ['a', 'b', '', '__proto__', 'constructor']) {
      expect([rate.take(name, NOW), rate.take(name, NOW)]).toEqual(['within', 'first-over'])
    }
  })

  test('forgets the names that were not used for longest, and no other', () => {
    const rate = perMinute(1)
    rate.take('old', NOW)
    rate.take('used', NOW)
    for (let index = 0; index < 9_998; index += 1) rate.take(`name ${index}`, NOW)
    rate.take('used', NOW)
    rate.take('one more', NOW)
    rate.take('and another', NOW)
    expect(rate.take('used', NOW)).toBe('over')
    expect(rate.take('old', NOW)).toBe('within')
  })
})

describe('strangers', () => {
  test('are looked up a number of times a minute; who is known, always', () => {
    const strangers = createStrangers(2)
    strangers.know('friend')
    expect(['a', 'b', 'c'].map((token) => strangers.admits(token, NOW))).toEqual([
      true,
      true,
      false,
    ])
    expect(strangers.admits('friend', NOW)).toBe(true)
    expect(strangers.admits('c', NOW + MINUTE)).toBe(true)
  })

  test('that are known are remembered up to a bound', () => {
    const strangers = createStrangers(0)
    for (let index = 0; index <= 10_000; index += 1) strangers.know(`${index}`)
    expect([strangers.admits('0', NOW), strangers.admits('1', NOW)]).toEqual([false, true])
  })
})

describe('background work', () => {
  test('is waited for by drain, with what it starts', async () => {
    const background = createBackground(() => undefined)
    const done: string[] = []
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    background.run(
      'first',
      first.promise.then(() => {
        done.push('first')
        background.run(
          'second',
          second.promise.then(() => done.push('second')),
        )
      }),
    )
    const drained = background.drain().then(() => done.push('drained'))
    first.resolve()
    await new Promise(setImmediate)
    expect(done).toEqual(['first'])
    second.resolve()
    await drained
    expect(done).toEqual(['first', 'second', 'drained'])
  })

  test('that fails is told to the operator, and harms nothing else', async () => {
    const told: unknown[][] = []
    const background = createBackground((what, error) => told.push([what, error]))
    const error = new Error('disk full')
    background.run('record a claim', Promise.reject(error))
    background.run('reconcile', Promise.resolve())
    await background.drain()
    expect(told).toEqual([['record a claim', error]])
    await background.drain()
  })

  test('that nobody can be told about still ends', async () => {
    const background = createBackground(() => {
      throw new Error('nobody listens')
    })
    background.run('record a claim', Promise.reject(new Error('disk full')))
    await background.drain()
  })
})
