import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type CommandWorld, commandWorld } from '../../../test/command-world.ts'
import { openVersions } from '../../../test/open-versions.ts'
import { localKey } from '../../vault/local-key.ts'
import { sealedVault } from '../../vault/sealed-vault.ts'

interface VaultWorld extends CommandWorld {
  /** Runs a command with a value piped into its standard input. */
  pipe(value: string, ...args: string[]): ReturnType<CommandWorld['run']>
  opened(name: string): Promise<readonly string[]>
}

function vaultWorld(keys = ['first.key']): VaultWorld {
  let input: string | undefined
  const world = commandWorld({ bare: true, input: () => input })
  const urlOf = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href)
  const config = (named: readonly string[]) => `
    import { localKey, sealedVault } from ${urlOf('../../index.ts')}
    import fake from ${urlOf('../../../test/fake.config.ts')}
    export default { ...fake, vault: sealedVault({
      database: 'bursar.vault', keys: [${named.map((name) => `localKey({ path: '${name}' })`)}],
    }) }`
  writeFileSync(join(world.folder, 'bursar.config.mjs'), config(keys))
  writeFileSync(join(world.folder, 'both.mjs'), config(['second.key', ...keys]))
  const at = (name: string): string => join(world.folder, name)
  return {
    ...world,
    async pipe(value, ...args) {
      input = value
      const ran = await world.run(...args)
      input = undefined
      return ran
    },
    opened: (name) => {
      const paths = ['second.key', ...keys].map(at)
      const wrapping = paths.map((path) => localKey({ path }))
      return openVersions(sealedVault({ database: at('bursar.vault'), keys: wrapping }), name)
    },
  }
}

test('a secret is put, listed, rotated and removed, and never shown', async () => {
  const world = vaultWorld()
  const shown: string[] = []
  const kept = async (running: ReturnType<CommandWorld['run']>) => {
    const ran = await running
    shown.push(ran.out, ran.error)
    return ran
  }
  const put = await kept(world.pipe('canary-one\n', 'vault', 'put', 'cdp'))
  expect([put.code, put.out, put.error]).toEqual([0, 'cdp is sealed as version 1.\n', ''])
  expect(await world.opened('cdp')).toEqual(['1: canary-one'])
  const again = await kept(world.pipe('canary-two', 'vault', 'put', 'cdp'))
  expect([again.code, again.error]).toEqual([
    3,
    'bursar: vault: there is already a secret called cdp. Rotate it, or remove it first.\n',
  ])
  const rotate = ['--json', 'vault', 'rotate', 'cdp', '--overlap', '1h']
  const rotated = await kept(world.pipe('canary-two\r\n', ...rotate))
  expect(rotated.json).toMatchObject({ name: 'cdp', versions: [{ version: 2 }, { version: 1 }] })
  expect(await world.opened('cdp')).toEqual(['2: canary-two', '1: canary-one'])
  const list = await kept(world.run('vault', 'list'))
  expect(list.out).toMatch(/^NAME +VERSION +SINCE +ENDS +KEY\ncdp +2 .*local:[0-9a-f]{32}\ncdp +1 /)
  expect((await kept(world.json('vault', 'list'))).json.secrets).toHaveLength(1)
  await kept(world.run('vault', 'remove', 'cdp', '--only', '1'))
  expect(await world.opened('cdp')).toEqual(['2: canary-two'])
  expect((await kept(world.run('vault', 'remove', 'cdp'))).out).toBe('cdp is removed.\n')
  expect((await kept(world.run('vault', 'remove', 'cdp'))).code).toBe(3)
  expect((await kept(world.json('vault', 'list'))).json).toEqual({ secrets: [] })
  expect(shown.join('')).not.toContain('canary')
})

test('each change is in the audit trail, with whoever made it, and never the value', async () => {
  const world = vaultWorld()
  await world.pipe('canary-one', 'vault', 'put', 'cdp')
  await world.pipe('canary-two', 'vault', 'rotate', 'cdp', '--overlap', '1h')
  const both = ['--config', join(world.folder, 'both.mjs')]
  await world.run(...both, 'vault', 'rotate', '--wrapping-key')
  await world.run('vault', 'list')
  await world.run(...both, 'vault', 'remove', 'cdp')
  const { out } = await world.run('audit', 'export')
  expect(out).not.toContain('canary')
  const lines = out.trim().split('\n')
  const events = lines.map((line) => JSON.parse(JSON.parse(line).body))
  const caller = { id: expect.stringMatching(/^operator:/), roles: ['operator'] }
  const secret = 'cdp'
  expect(events.filter(({ type }) => type.startsWith('secret-'))).toEqual([
    { type: 'secret-added', secret, version: '1', caller },
    { type: 'secret-rotated', secret, version: '2', caller },
    { type: 'secret-rewrapped', secret, version: '2', caller },
    { type: 'secret-rewrapped', secret, version: '1', caller },
    { type: 'secret-removed', secret, version: '2', caller },
    { type: 'secret-removed', secret, version: '1', caller },
  ])
  expect((await world.run('audit', 'verify')).code).toBe(0)
})

test('without its ledger nothing is changed', async () => {
  const world = vaultWorld()
  await world.pipe('canary-one', 'vault', 'put', 'cdp')
  writeFileSync(join(world.folder, 'bursar.db'), 'no ledger')
  const removed = await world.run('vault', 'remove', 'cdp')
  expect(removed.code).not.toBe(0)
  expect(removed.error).toContain('bursar.db')
  expect(await world.opened('cdp')).toEqual(['1: canary-one'])
})

test('a value comes from a file as well, and from no keyboard', async () => {
  const world = vaultWorld()
  writeFileSync(join(world.folder, 'value.json'), '{"id":"canary"}\n', { mode: 0o600 })
  expect((await world.run('vault', 'put', 'cdp', '--file', 'value.json')).code).toBe(0)
  expect(await world.opened('cdp')).toEqual(['1: {"id":"canary"}'])
  expect((await world.run('vault', 'put', 'privy', '--file', 'none.json')).code).not.toBe(0)
  const typed = await world.run('vault', 'put', 'privy')
  expect([typed.code, typed.error]).toEqual([
    2,
    'bursar: The value cannot be typed, because others could see it. Pipe it in, or name a file with --file.\n',
  ])
  const long = await world.pipe('canary'.repeat(20_000), 'vault', 'put', 'privy')
  expect([long.code, long.error]).toEqual([2, 'bursar: The value is longer than 65,536 bytes.\n'])
  const onTheLine = await world.run('vault', 'put', 'privy', 'canary')
  expect(onTheLine.code).toBe(2)
  expect(await world.pipe('', 'vault', 'put', 'privy')).toMatchObject({ code: 2 })
})

test('the wrapping key is rotated for all secrets at once', async () => {
  const world = vaultWorld()
  await world.pipe('canary-one', 'vault', 'put', 'cdp')
  await world.pipe('canary-two', 'vault', 'put', 'privy')
  expect((await world.run('vault', 'rotate')).code).toBe(2)
  expect((await world.run('vault', 'rotate', 'cdp', '--wrapping-key')).code).toBe(2)
  const both = ['--config', join(world.folder, 'both.mjs')]
  const rotated = await world.run(...both, 'vault', 'rotate', '--wrapping-key')
  expect([rotated.code, rotated.out]).toEqual([0, 'Data keys wrapped with the first key: 2.\n'])
  expect(await world.opened('privy')).toEqual(['1: canary-two'])
  const [one, two] = ['first.key', 'second.key'].map((name) => join(world.folder, name))
  expect(readFileSync(one ?? '')).not.toEqual(readFileSync(two ?? ''))
})

test('a key that others can read and a missing vault are reported', async () => {
  const world = vaultWorld()
  await world.pipe('canary', 'vault', 'put', 'cdp')
  chmodSync(join(world.folder, 'first.key'), 0o644)
  const exposed = await world.pipe('canary', 'vault', 'rotate', 'cdp')
  expect(exposed.code).toBe(4)
  expect(exposed.error).toContain('can be read by others')
  const none = await commandWorld().run('vault', 'list')
  expect([none.code, none.error]).toEqual([
    2,
    'bursar: The configuration has no vault. Add one: vault: sealedVault({ … })\n',
  ])
})

test('doctor says whether the secrets could be opened, and opens none', async () => {
  const world = vaultWorld()
  const describeVault = async () => {
    const { out, json } = await world.run('--json', 'doctor')
    expect(out).not.toContain('canary')
    const findings: { check: string; state: string; detail: string }[] = json.findings
    const vault = findings.filter(({ check }) => check === 'vault')
    return vault.map(({ state, detail }) => `${state}: ${detail}`)
  }
  expect(await describeVault()).toEqual(['warning: The vault is empty.'])
  await world.pipe('canary-one', 'vault', 'put', 'cdp')
  await world.pipe('canary-two', 'vault', 'put', 'privy')
  expect(await describeVault()).toEqual(['ok: Secrets with a valid version and a key: 2.'])
  // Rotate to a new version, which ends after an overlap, and remove the newest one.
  await world.pipe('canary-three', 'vault', 'rotate', 'cdp', '--overlap', '1s')
  await world.run('vault', 'remove', 'cdp', '--only', '2')
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1_000 })
  onTestFinished(() => void vi.useRealTimers())
  expect(await describeVault()).toEqual(['failed: cdp has no valid version.'])
  const key = join(world.folder, 'first.key')
  chmodSync(key, 0o640)
  expect(await describeVault()).toEqual([
    'failed: cdp has no valid version.',
    expect.stringMatching(/^failed: privy, version 1: The key .*first\.key can be read by others/),
  ])
  rmSync(key)
  expect((await describeVault())[1]).toMatch(
    /^failed: privy, version 1: vault: .* not among the keys/,
  )
  writeFileSync(join(world.folder, 'bursar.vault'), 'no database')
  expect(await describeVault()).toEqual([
    expect.stringMatching(/^failed: vault: .*bursar\.vault: /),
  ])
})
