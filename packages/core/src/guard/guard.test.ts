import { describe, expect, test } from 'vitest'
import { createBackground } from './background.ts'
import { createUnknownLookupLimit, type Strangers } from './lookup-limit.ts'
import { limitRatePerMinute } from './rate-limit.ts'

const MINUTE = 60_000
const NOW = 1_000 * MINUTE

describe('a rate', () => {
  test('is kept up to its limit, then the first one over it is told apart', () => {
    const rate = limitRatePerMinute(3)
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
    const rate = limitRatePerMinute(1)
    expect(rate.take('a', NOW)).toBe('within')
    expect(rate.take('a', NOW + MINUTE - 1)).toBe('first-over')
    expect(rate.take('a', NOW + MINUTE)).toBe('within')
  })

  test('counts names apart, whatever they are', () => {
    const rate = limitRatePerMinute(1)
    for (const name of ['a', 'b', '', '__proto__', 'constructor']) {
      expect([rate.take(name, NOW), rate.take(name, NOW)]).toEqual(['within', 'first-over'])
    }
  })

  test('forgets the names that were not used for longest, and no other', () => {
    const rate = limitRatePerMinute(1)
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
  const look = (strangers: Strangers, token: string, now = NOW): Promise<string | undefined> =>
    strangers.look(token, now, async () => token)
  const miss = (strangers: Strangers, token: string, caller?: string): Promise<undefined> =>
    strangers.look(token, NOW, async () => undefined, caller)

  test('are looked for in vain a number of times a minute; who is known, always', async () => {
    const strangers = createUnknownLookupLimit(2)
    strangers.know('friend')
    expect([await miss(strangers, 'a'), await miss(strangers, 'b')]).toEqual([undefined, undefined])
    await expect(look(strangers, 'c')).rejects.toMatchObject({ code: 'request_rate_exceeded' })
    expect(await look(strangers, 'friend')).toBe('friend')
    expect(await look(strangers, 'c', NOW + MINUTE)).toBe('c')
  })

  test('who are found do not count, nor does who was not looked for', async () => {
    const strangers = createUnknownLookupLimit(1)
    for (const token of ['a', 'b', 'c']) expect(await look(strangers, token)).toBe(token)
    const crowd = await Promise.allSettled(['d', 'e', 'f'].map((token) => look(strangers, token)))
    expect(crowd.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await look(strangers, 'e')).toBe('e')
  })

  test('of one caller keep nobody else out', async () => {
    const strangers = createUnknownLookupLimit(1)
    expect(await miss(strangers, 'a', 'guesser')).toBeUndefined()
    const guess = miss(strangers, 'b', 'guesser')
    await expect(guess).rejects.toMatchObject({ code: 'request_rate_exceeded' })
    expect(await miss(strangers, 'c', 'agent')).toBeUndefined()
  })

  test('that are known are remembered up to a bound', async () => {
    const strangers = createUnknownLookupLimit(0)
    for (let index = 0; index <= 10_000; index += 1) strangers.know(`${index}`)
    await expect(look(strangers, '0')).rejects.toMatchObject({ code: 'request_rate_exceeded' })
    expect(await look(strangers, '1')).toBe('1')
  })

  test('a crowd with one good token is let in, and with a bad one each counts by itself', async () => {
    const strangers = createUnknownLookupLimit(3)
    const crowd = (find: () => Promise<string | undefined>): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 9 }, () => strangers.look('new', NOW, find)))
    let looks = 0
    const bad = async (): Promise<undefined> => {
      looks += 1
      return undefined
    }
    expect(await crowd(async () => 'good')).toEqual(Array.from({ length: 9 }, () => 'good'))
    const other = Array.from({ length: 9 }, () => strangers.look('other', NOW, bad))
    const found = (await Promise.allSettled(other)).filter(({ status }) => status === 'fulfilled')
    expect(found).toEqual([1, 2, 3].map(() => ({ status: 'fulfilled', value: undefined })))
    expect(looks).toBe(3)
  })

  test('a look that fails is told to the one who looked, and is not the last one', async () => {
    const strangers = createUnknownLookupLimit(2)
    const failing = strangers.look('new', NOW, () => Promise.reject(new Error('no store')))
    const waiting = look(strangers, 'new')
    await expect(failing).rejects.toThrow('no store')
    expect(await waiting).toBe('new')
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
