import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { crash, crashCases } from './crash/crash.ts'
import { type StorePlaces, storeKinds } from './places/store-place.ts'
import { storePlaces } from './places/store-places.ts'

/** `pnpm test:crash` kills at every await, which takes minutes; odd, so that before and after are met. */
const STRIDE = 5

/** A process is started for each kill. */
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
