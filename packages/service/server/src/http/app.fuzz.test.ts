import { expect, test } from 'vitest'
import { fuzz } from '../../test/fuzz.ts'
import { operations } from '../api/openapi.ts'

/** `pnpm test:fuzz` sends many more. */
const REQUESTS = 2_000

/** Shot at too seldom to be reached each time, or nothing in a world can succeed by accident. */
const seldom = [
  ...['approve', 'deny', 'verifyAudit', 'exportAudit'],
  ...['revokeSession', 'closeSession', 'revokeDelegation'],
]

test(`${REQUESTS} requests that nearly fit find no failure, and reach everything`, async () => {
  const { requests, done, statuses } = await fuzz(REQUESTS, 5)
  expect(requests).toBe(REQUESTS)
  const reached = Object.keys(done)
  const names = operations.map(({ name }) => name as string)
  const often = names.filter((name) => !seldom.includes(name))
  expect(often.filter((name) => !reached.includes(name))).toEqual([])
  expect(Object.keys(statuses).filter((status) => Number(status) >= 500)).toEqual([])
})
