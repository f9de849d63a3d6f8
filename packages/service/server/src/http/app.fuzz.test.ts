import { expect, test } from 'vitest'
import { fuzz } from '../../test/fuzz.ts'
import { operations } from '../api/openapi.ts'

/** The number of requests in this test. `pnpm test:fuzz` sends many more. */
const REQUESTS = 2_000

/** Operations that the fuzz test need not see succeed: they seldom succeed with random input. */
const unreliable = [
  ...['allowAgain', 'approve', 'deny', 'verifyAudit', 'exportAudit'],
  ...['revokeSession', 'closeSession', 'revokeDelegation'],
]

test(`${REQUESTS} nearly valid requests cause no failure and reach every operation`, async () => {
  const { requests, done, statuses } = await fuzz(REQUESTS, 5)
  expect(requests).toBe(REQUESTS)
  const reached = Object.keys(done)
  const names = operations.map(({ name }) => name as string)
  const often = names.filter((name) => !unreliable.includes(name))
  expect(often.filter((name) => !reached.includes(name))).toEqual([])
  expect(Object.keys(statuses).filter((status) => Number(status) >= 500)).toEqual([])
})
