import { expect, test } from 'vitest'
import { preparedWorld } from '../../../test/command-world.ts'

test('permissions are granted, listed and withdrawn, each end user’s apart', async () => {
  const { run, json, delegation } = await preparedWorld()
  const [granted] = (await json('delegations', 'list', '--end-user', 'alice')).json.rows
  expect(granted).toMatchObject({
    id: delegation,
    agent: 'researcher',
    limits: { total: '20.00', windows: [{ per: 'utc-day', amount: '5.00' }] },
    merchants: [{ host: 'shop.example' }],
    consent: { how: 'a form' },
  })
  const listed = await run('delegations', 'list', '--end-user', 'alice')
  expect(listed.out).toContain(`${delegation}  open   researcher  alice-wallet  20.00`)
  expect((await json('delegations', 'list', '--end-user', 'bob')).json.rows).toEqual([])
  const permission = ['delegations', 'permission', delegation, '--end-user']
  expect((await run(...permission, 'alice')).out).toBe(
    'The permission at the wallet provider is absent.\n',
  )
  expect((await run(...permission, 'bob')).code).toBe(3)
  const asBob = await run('delegations', 'revoke', delegation, '--end-user', 'bob')
  expect([asBob.code, asBob.out]).toEqual([3, ''])
  const revoke = ['delegations', 'revoke', delegation, '--end-user', 'alice', '--reason', 'enough']
  expect((await run(...revoke)).out).toBe(`${delegation} is revoked.\n`)
})

test('a name is granted once', async () => {
  const { run, json } = await preparedWorld()
  const grant = [
    ...['delegations', 'grant', '--end-user', 'alice', '--agent', 'a', '--name', 'nightly'],
    ...['--instrument', 'alice-wallet', '--expires-in', '1d', '--consent', 'a form', '--total'],
  ]
  const first = (await json(...grant, '1.00')).json
  expect((await json(...grant, '1.00')).json).toMatchObject({ id: first.id, name: 'nightly' })
  const other = await run(...grant, '2.00')
  expect(other.code).toBe(3)
  expect(other.error).toContain(`--name: nightly is taken by ${first.id}, whose limits`)
})

test('another’s instrument is refused', async () => {
  const { run } = await preparedWorld()
  const { code, error } = await run(
    ...['delegations', 'grant', '--end-user', 'bob', '--agent', 'a', '--instrument'],
    ...['alice-wallet', '--expires-in', '1d', '--total', '1.00', '--consent', 'a form'],
  )
  expect(code).toBe(3)
  expect(error).toContain('--instrument: the end user has no instrument called alice-wallet.')
})
