import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeWorld, type Sandbox, startSandbox } from '@bursar/sandbox'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { commandWorld } from '../../../test/command-world.ts'
import { readSettings } from '../../config/config.ts'
import { readConfigFile } from '../../config/config-file.ts'
import { openGuard } from '../../ledger/open-guard.ts'

/** A folder in which every package that a configuration imports is installed. */
const installed = fileURLToPath(new URL('../../../../../../test/node_modules', import.meta.url))

let sandbox: Sandbox

beforeAll(async () => {
  sandbox = await startSandbox()
})

afterAll(() => sandbox.stop())

// A configuration loads its secrets into `process.env`, where those of an earlier test would win.
afterEach(() => {
  delete process.env.BURSAR_WALLET_KEY
  delete process.env.BURSAR_RPC_URL
})

/** Creates a command world in an empty folder that finds the installed packages. */
function createProject(environment = {}) {
  const world = commandWorld({ bare: true, environment })
  symlinkSync(installed, join(world.folder, 'node_modules'))
  return world
}

async function withSandbox() {
  const world = createProject()
  const shown = describeWorld(sandbox, await sandbox.createAccount('10.00'))
  writeFileSync(join(world.folder, 'sandbox.json'), JSON.stringify(shown))
  return world
}

const modeOf = (path: string) => statSync(path).mode & 0o777
const first = ['init', '--end-user', 'alice', '--agent', 'researcher', '--total', '5.00']
const unreachable = ['--rpc-url', 'http://127.0.0.1:1']

describe('init in the sandbox', () => {
  test('writes a service that is in order, and pays', async () => {
    const world = await withSandbox()
    const { host, url } = sandbox.merchants.honest
    const args = ['--sandbox', 'sandbox.json', '--merchant', host]
    const { json: made, code } = await world.json(...first, ...args)
    expect(code).toBe(0)
    expect(made.delegation).toMatch(/^del_/)
    const doctor = await world.json('doctor', '--facilitator', sandbox.facilitatorUrl)
    expect(doctor.json.findings.filter((one: { state: string }) => one.state !== 'ok')).toEqual([])
    const session = await world.json(
      ...['sessions', 'create', '--delegation', made.delegation, '--payer', made.keys.payer],
      ...['--expires-in', '10m', '--total', '1.00'],
    )
    const { config } = await readConfigFile({ folder: world.folder, environment: {} })
    const bursar = await openGuard(readSettings(config, {}))
    try {
      const paying = bursar.openSession(session.json.token, { payer: made.keys.payer })
      const { status } = await paying.pay({ url: `${url}/quote`, purpose: 'a quote' })
      expect(status).toBe('paid')
    } finally {
      await bursar.close()
    }
    expect((await world.run('payments', 'list')).out).toContain(host)
  })

  test('writes each key for its owner alone, and each is good', async () => {
    const world = await withSandbox()
    const { out } = await world.run(...first, '--sandbox', 'sandbox.json')
    expect(out).toContain('Granted: researcher may spend 5.00 from alice-wallet')
    expect(out).toContain('1. Check the service: bursar doctor')
    const keys = join(world.folder, 'keys')
    expect(modeOf(keys)).toBe(0o700)
    const names = ['administrator', 'auditor', 'end_user', 'manager', 'payer']
    expect(readdirSync(keys)).toEqual(names.map((name) => `${name}.key`))
    for (const name of names) expect(modeOf(join(keys, `${name}.key`))).toBe(0o600)
    const { config } = await readConfigFile({ folder: world.folder, environment: {} })
    const bursar = await openGuard(readSettings(config, {}))
    const key = readFileSync(join(keys, 'end_user.key'), 'utf8').trim()
    expect(await bursar.authenticate(key)).toMatchObject({ roles: ['end_user'], endUser: 'alice' })
    await bursar.close()
    expect(out + JSON.stringify(config)).not.toContain(key)
  })
})

describe('init on a network', () => {
  test('makes a wallet, and says how to go on once it is funded', async () => {
    const world = createProject()
    const { code, out } = await world.run(...first, ...unreachable)
    expect(code).toBe(0)
    expect(out).toMatch(
      /1\. Fund 0x[0-9a-fA-F]{40}, then run: bursar delegations grant --end-user alice/,
    )
    const secrets = join(world.folder, 'bursar.env')
    expect(modeOf(secrets)).toBe(0o600)
    const [, key = ''] =
      /BURSAR_WALLET_KEY=(0x[0-9a-f]{64})\n/.exec(readFileSync(secrets, 'utf8')) ?? []
    expect(key).not.toBe('')
    expect(out).not.toContain(key)
    const config = readdirSync(world.folder).find((name) => name.startsWith('bursar.config'))
    expect(config).toBe('bursar.config.mts')
    expect(readFileSync(join(world.folder, String(config)), 'utf8')).not.toContain(key)
  })

  test('overwrites nothing', async () => {
    const world = createProject()
    await world.run(...first, ...unreachable)
    const before = readFileSync(join(world.folder, 'bursar.env'), 'utf8')
    const again = await world.run(...first, ...unreachable)
    expect([again.code, again.out]).toEqual([3, ''])
    expect(again.error).toContain('exists already. Nothing was written')
    expect(readFileSync(join(world.folder, 'bursar.env'), 'utf8')).toBe(before)
  })

  test('leaves nothing behind where it fails', async () => {
    const world = createProject()
    const { code, error } = await world.run(...first, ...unreachable, '--expires-in', 'soon')
    expect([code, error]).toEqual([2, expect.stringContaining('--expires-in: must be a duration')])
    expect(readdirSync(world.folder)).toEqual(['node_modules'])
  })

  test('leaves a ledger alone that the environment names', async () => {
    const other = commandWorld()
    await other.run('keys', 'create', '--role', 'auditor', '--expires-in', '1d')
    const world = createProject(other.environment)
    for (const expiresIn of ['soon', '1d']) {
      const { code, error } = await world.run(...first, ...unreachable, '--expires-in', expiresIn)
      expect([code, error]).toEqual([3, expect.stringContaining('ledger.db exists already.')])
      expect(readdirSync(world.folder)).toEqual(['node_modules'])
    }
    expect((await other.json('keys', 'list')).json.rows).toHaveLength(1)
  })

  test.each([
    [['--network', 'eip155:1'], '--rpc-url: no endpoint is known for eip155:1.'],
    [['--network', 'base'], "'--network <id>' argument 'base' is invalid"],
    [['--rpc-url', 'ftp://a'], 'must be an http address'],
    [['--end-user', "a'b"], "'--end-user <name>' argument"],
    [['--sandbox', 'none.json'], '--sandbox: the file '],
  ])('%j is refused, and named', async (options, message) => {
    const world = createProject()
    const { code, error } = await world.run(...first, ...options)
    expect([code, error]).toEqual([2, expect.stringContaining(message)])
    expect(readdirSync(world.folder)).toEqual(['node_modules'])
  })

  test('says which packages are missing', async () => {
    const world = commandWorld({ bare: true })
    const { code, error } = await world.run(...first)
    expect(code).toBe(2)
    expect(error).toContain('npm install bursar @bursar/x402 @bursar/wallet-viem viem')
    expect(readdirSync(world.folder)).toEqual([])
  })
})
