import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { renderCliPage } from '../../scripts/cli-page.ts'
import { commandWorld } from '../../test/command-world.ts'

describe('the command line', () => {
  test('shows its commands', async () => {
    const { run } = commandWorld()
    const { code, out, error } = await run('--help')
    expect([code, error]).toEqual([0, ''])
    expect(out).toContain('Usage: bursar [options] [command]')
    expect(out).toContain('run the service')
    const keys = await run('keys', 'create', '--help')
    expect(keys.code).toBe(0)
    expect(keys.out).toContain('--expires-in <duration>')
    expect(keys.out).toContain('--json')
  })

  test.each([
    [['nothing'], "unknown command 'nothing'"],
    [['keys', 'list', '--al'], "unknown option '--al'"],
    [
      ['keys', 'list', '--limit', '501'],
      "option '--limit <rows>' argument '501' is invalid. must be a number from 1 to 500.",
    ],
    [['keys', 'create', '--expires-in', '1d'], "required option '--role <role>' not specified"],
    [['keys', 'create', '--role', 'king', '--expires-in', '1d'], 'must be one of administrator,'],
    [
      ['keys', 'create', '--role', 'auditor', '--expires-in', 'soon'],
      '--expires-in: must be a duration',
    ],
    [
      ['keys', 'create', '--role', 'end_user', '--expires-in', '1d'],
      '--end-user: goes with the role end_user',
    ],
    [['keys', 'revoke'], "missing required argument 'key'"],
  ])('%j is one clear error', async (args, message) => {
    const { run } = commandWorld()
    const { code, out, error } = await run(...args)
    expect([code, out]).toEqual([2, ''])
    expect(error).toContain(message)
    expect(error.trim().split('\n').length).toBeLessThanOrEqual(2)
    const asJson = await run('--json', ...args)
    expect(asJson.code).toBe(2)
    expect(JSON.parse(asJson.error).error.message).toContain(message)
  })

  test('a group without a command prints its help', async () => {
    const { run } = commandWorld()
    const { code, error } = await run('keys')
    expect(code).toBe(2)
    expect(error).toContain('Usage: bursar keys')
  })

  test('what is not known is refused, with another code', async () => {
    const { run } = commandWorld()
    const { code, error } = await run('keys', 'revoke', 'key_none')
    expect([code, error]).toEqual([3, 'bursar: There is no key called key_none.\n'])
  })

  test('colours only where a person looks who has not asked for none', async () => {
    const error = async (options: Parameters<typeof commandWorld>[0]) =>
      (await commandWorld(options).run('keys', 'revoke', 'key_none')).error
    expect(await error({ isTTY: true })).toContain('\u001b[31mbursar:')
    expect(await error({ isTTY: true, environment: { NO_COLOR: '1' } })).not.toContain('\u001b')
    expect(await error({})).not.toContain('\u001b')
  })
})

test('the page in the docs says what the commands say', () => {
  const page = new URL('../../../../../docs/reference/cli.md', import.meta.url)
  // If this fails, run: node packages/service/server/scripts/write-cli.ts
  expect(readFileSync(page, 'utf8')).toBe(renderCliPage())
})

describe('a configuration', () => {
  const bare = (text: string, name = 'bursar.config.mjs') => {
    const world = commandWorld({ bare: true })
    if (text !== '') writeFileSync(join(world.folder, name), text)
    return world
  }

  test.each([
    ['', 'There is no configuration bursar.config.ts in'],
    ['export default 7', 'has no default export'],
    ['export default {', 'bursar.config.mjs: '],
    ['export default { rails: [] }', 'createBursar: rails'],
    ['export default { rails: [], listen: { prot: 1 } }', 'bursar.config: listen'],
  ])('the error of %j names the problem', async (text, message) => {
    const { code, error } = await bare(text).run('keys', 'list')
    expect(error).toContain(message)
    expect(code).toBe(2)
  })

  test('does not read secrets that others may read', async () => {
    const world = bare('export default { rails: [] }')
    const path = join(world.folder, 'bursar.env')
    writeFileSync(path, 'BURSAR_TEST_SECRET=1', { mode: 0o600 })
    chmodSync(path, 0o644)
    const { code, error } = await world.run('keys', 'list')
    expect([code, error]).toEqual([4, expect.stringContaining(`chmod 600 ${path}`)])
  })
})
