import { describe, expect, test } from 'vitest'
import { fakeAsset } from './fake-chain.ts'
import { fakePermissions } from './fake-permissions.ts'
import { testPermissions } from './test-permissions.ts'

const request = {
  delegation: 'del_1',
  endUser: 'alice',
  agent: 'researcher',
  address: `0x${'a1'.repeat(20)}`,
  assets: [{ asset: fakeAsset, total: 2_000_000n, perPayment: 10_000n }],
  startsAt: 0,
  expiresAt: 1,
}

testPermissions('fakePermissions', async () => ({ permissions: fakePermissions(), request }), {
  describe,
  test,
  expect,
})

test('do nothing, or what was asked, before they throw', async () => {
  const permissions = fakePermissions()
  permissions.answerNext('throw', 'throw-after')
  await expect(permissions.grant(request)).rejects.toThrow('told to throw')
  expect(permissions.granted.size).toBe(0)
  await expect(permissions.grant(request)).rejects.toThrow('told to throw')
  expect(permissions.granted.get('del_1')).toBe(request)
})
