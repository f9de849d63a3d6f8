import { expect, test } from 'vitest'
import { commandWorld } from '../../../test/command-world.ts'

test('keys are issued, listed, rotated and revoked', async () => {
  const { run, json, withGuard } = commandWorld()
  const made = await run(
    'keys',
    'create',
    '--role',
    'auditor',
    '--expires-in',
    '1d',
    '--label',
    'a',
  )
  expect(made.code).toBe(0)
  // The output holds the key alone, so that it can be redirected to a file.
  expect(made.out).toMatch(/^bursar_key_[0-9a-f]{32}_\S{43}\n$/)
  expect(made.error).toContain('The key is not shown again.')
  const key = made.out.trim()
  const { rows } = (await json('keys', 'list')).json
  expect(rows).toMatchObject([{ roles: ['auditor'], state: 'live', label: 'a' }])
  const { id } = rows[0]
  const isGood = (text: string) => withGuard(async (bursar) => !!(await bursar.authenticate(text)))
  const rotated = (await json('keys', 'rotate', id, '--overlap', '1h')).json
  expect([await isGood(key), await isGood(rotated.key)]).toEqual([true, true])
  const revoked = await run('keys', 'revoke', id, '--reason', 'test')
  expect(revoked.out).toBe(`${id} is revoked.\n`)
  expect([await isGood(key), await isGood(rotated.key)]).toEqual([false, false])
  expect((await run('keys', 'rotate', id)).code).toBe(3)
  const trail = await run('audit', 'export')
  expect(trail.out).toMatch(/key-revoked.*\\"caller\\":\{\\"id\\":\\"operator:/)
  const table = (await run('keys', 'list')).out.split('\n')
  expect(table[0]).toMatch(/^ID +STATE +ROLES/)
  expect(table[1]).toMatch(new RegExp(`^${id}  revoked  auditor`))
})

test('two roles that could raise and spend are refused', async () => {
  const { run } = commandWorld()
  const roles = ['--role', 'manager', '--role', 'payer']
  const { code, error } = await run('keys', 'create', ...roles, '--expires-in', '1d')
  expect(code).toBe(2)
  expect(error).toContain('--role: ')
})

test('a list is shown in pages', async () => {
  const { run, json } = commandWorld()
  const create = () => json('keys', 'create', '--role', 'auditor', '--expires-in', '1d')
  const [first, second] = [(await create()).json.id, (await create()).json.id]
  const page = await run('keys', 'list', '--limit', '1')
  const [, cursor = ''] = /For more, add --after (\S+)/.exec(page.out) ?? []
  const next = (await json('keys', 'list', '--after', cursor)).json
  expect([first, next.rows[0].id]).toEqual([
    (await json('keys', 'list', '--limit', '1')).json.rows[0].id,
    second,
  ])
})
