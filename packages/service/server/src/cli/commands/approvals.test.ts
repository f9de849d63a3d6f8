import { expect, test } from 'vitest'
import { preparedWorld } from '../../../test/command-world.ts'

test('what an agent asks is shown, approved once, and denied', async () => {
  const world = await preparedWorld('--ask-always')
  const { run, json } = world
  const { pay } = await world.openSession()
  expect((await run('approvals', 'list', '--end-user', 'alice')).out).toBe(
    'No approval requests.\n',
  )
  expect(await pay('a')).toBe('approval_required')
  const { out } = await run('approvals', 'list', '--end-user', 'alice', '--waiting')
  const [, id = ''] = /^(apr_\w+) {2}waiting/.exec(out) ?? []
  expect(out).toContain('0.01 USD to shop.example')
  expect(out).toContain('the agent researcher says, unchecked: "a test"')
  const asBob = await run('approvals', 'approve', id, '--end-user', 'bob')
  expect(asBob.code).toBe(3)
  const approved = await run('approvals', 'approve', id, '--end-user', 'alice')
  expect(approved.out).toBe(`${id} is approved.\n`)
  expect(await pay('a')).toBe('paid')
  expect(await pay('b')).toBe('approval_required')
  const { rows } = (await json('approvals', 'list', '--end-user', 'alice', '--waiting')).json
  const deny = ['approvals', 'deny', rows[0].id, '--end-user', 'alice', '--reason', 'no']
  expect((await run(...deny)).out).toBe(`${rows[0].id} is denied.\n`)
  expect(await pay('b')).toBe('denied')
  const late = await run('approvals', 'approve', rows[0].id, '--end-user', 'alice')
  expect(late.code).toBe(3)
})
