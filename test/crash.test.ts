import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { crash, crashCases } from './crash/crash.ts'
import { type StorePlaces, storeKinds } from './places/store-place.ts'
import { storePlaces } from './places/store-places.ts'

/**
 * The stride between the kills: odd, so that kills before and after a call occur. `pnpm test:crash`
 * kills at every await.
 */
const STRIDE = 5

/** The time limit: a process is started for each kill. */
const BUDGET_MS = 180_000

describe.each(storeKinds)('a payment over %s that is killed at any await', (kind) => {
  let places: StorePlaces

  beforeAll(async () => {
    places = await storePlaces(kind)
  })

  afterAll(() => places.stop())

  test.concurrent.each(crashCases)(
    'is never paid twice, never lost, never freed too early ($conduct)',
    async (one) => {
      await expect(crash(places, one, STRIDE)).resolves.toBeUndefined()
    },
    BUDGET_MS,
  )
})
