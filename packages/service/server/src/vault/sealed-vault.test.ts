import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { BursarError } from '@bursar/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type TestPostgres,
  testPostgres,
} from '../../../../stores/postgres/src/test-process/postgres-server.ts'
import { type ChangeableVault, changeableVault } from '../../test/changeable-vault.ts'
import { openVersions } from '../../test/open-versions.ts'
import { localKey } from './local-key.ts'
import { openVaultStorage } from './sealed-vault.ts'
import { MAX_DOCUMENT_BYTES, type SealedVersion } from './vault-document.ts'
import type { WrappingKey } from './wrapping-key.ts'

let postgres: TestPostgres
const folder = mkdtempSync(join(tmpdir(), 'bursar-vault-'))
const newFile = (): string => join(folder, randomUUID())

beforeAll(async () => {
  postgres = await testPostgres()
}, 60_000)
afterAll(async () => {
  await postgres.stop()
  rmSync(folder, { recursive: true })
})

const databases: [string, () => Promise<string>][] = [
  ['a file', async () => newFile()],
  ['PostgreSQL', () => postgres.newDatabase()],
]

interface World {
  readonly database: string
  readonly keyFile: string
  readonly vault: ChangeableVault
  /** What wallets would open now: each version with its value, newest first. */
  opened(name: string): Promise<readonly string[]>
}

function worldAt(database: string, keyFile = newFile()): World {
  const keys = [localKey({ path: keyFile })]
  const vault = changeableVault({ database, keys })
  return { database, keyFile, vault, opened: (name) => openVersions(vault, name) }
}

const canary = (text: string): Buffer => Buffer.from(`canary-${text}`)

async function codeOf(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    () => 'done',
    (error: unknown) => (BursarError.isInstance(error) ? error.code : String(error)),
  )
}

describe.each(databases)('a vault in %s', (_what, newDatabase) => {
  const newWorld = async (): Promise<World> => worldAt(await newDatabase())

  test('seals what is put, and shows none of it', async () => {
    const { vault, database, opened } = await newWorld()
    expect(await vault.list()).toEqual([])
    const put = await vault.put('cdp', canary('one'))
    expect(put).toEqual({
      name: 'cdp',
      versions: [
        { version: 1, purpose: 'wallet', createdAt: expect.any(Number), key: expect.any(String) },
      ],
    })
    expect(await vault.list()).toEqual([put])
    expect(await opened('cdp')).toEqual(['1: canary-one'])
    const stored = (await openVaultStorage(database).read())?.text ?? ''
    for (const form of ['utf8', 'base64', 'hex'] as const) {
      expect(stored).not.toContain(canary('one').toString(form))
    }
  })

  test('has no secret twice, and rotates none that is not there', async () => {
    const { vault } = await newWorld()
    await vault.put('cdp', canary('one'))
    expect(await codeOf(vault.put('cdp', canary('two')))).toBe('secret_exists')
    expect(await codeOf(vault.rotate('privy', canary('two')))).toBe('secret_unknown')
    expect(await codeOf(vault.remove('privy'))).toBe('secret_unknown')
    expect(await codeOf(vault.remove('cdp', { version: 7 }))).toBe('secret_unknown')
    expect((await vault.list()).map(({ versions }) => versions.length)).toEqual([1])
  })

  test('rotates at once, or with an overlap that ends', async () => {
    const { vault, opened } = await newWorld()
    await vault.put('cdp', canary('one'))
    await vault.rotate('cdp', canary('two'))
    expect(await opened('cdp')).toEqual(['2: canary-two'])
    const { versions } = await vault.rotate('cdp', canary('three'), { overlap: '1h' })
    expect(versions.map(({ version }) => version)).toEqual([3, 2])
    expect(versions[1]?.endsAt).toBeGreaterThan(Date.now() + 3_500_000)
    expect(await opened('cdp')).toEqual(['3: canary-three', '2: canary-two'])
    await vault.rotate('cdp', canary('four'), { overlap: '1h' })
    expect(await opened('cdp')).toEqual(['4: canary-four', '3: canary-three'])
    await vault.remove('cdp', { version: 3 })
    expect(await opened('cdp')).toEqual(['4: canary-four'])
  })

  test('removes a secret, and uses no number twice', async () => {
    const { vault, opened } = await newWorld()
    await vault.put('cdp', canary('one'))
    await vault.remove('cdp')
    expect(await vault.list()).toEqual([])
    expect(await codeOf(opened('cdp'))).toBe('secret_unknown')
    await vault.put('cdp', canary('two'))
    expect(await opened('cdp')).toEqual(['2: canary-two'])
  })

  test('is the same for every server, at once, and loses no write of several', async () => {
    const { database, keyFile, vault, opened } = await newWorld()
    const names = ['a', 'b', 'c', 'd', 'e']
    const others = names.map(() => worldAt(database, keyFile).vault)
    await Promise.all(names.map((name, at) => others[at]?.put(name, canary(name))))
    expect((await vault.list()).map(({ name }) => name)).toEqual(names)
    for (const name of names) expect(await opened(name)).toEqual([`1: canary-${name}`])
    await others[0]?.rotate('b', canary('b2'))
    expect(await opened('b')).toEqual(['2: canary-b2'])
  })

  test('wraps data keys anew, and then needs the old key no more', async () => {
    const { database, keyFile, vault } = await newWorld()
    await vault.put('cdp', canary('one'))
    await vault.rotate('cdp', canary('two'), { overlap: '1h' })
    await vault.put('privy', canary('three'))
    const newer = localKey({ path: newFile() })
    const both = changeableVault({ database, keys: [newer, localKey({ path: keyFile })] })
    expect(await openVersions(both, 'cdp')).toEqual(['2: canary-two', '1: canary-one'])
    expect(await both.rewrap()).toEqual({ rewrapped: 3 })
    expect(await both.rewrap()).toEqual({ rewrapped: 0 })
    rmSync(keyFile)
    const rest = changeableVault({ database, keys: [newer] })
    expect(await openVersions(rest, 'cdp')).toEqual(['2: canary-two', '1: canary-one'])
    expect(await openVersions(rest, 'privy')).toEqual(['1: canary-three'])
    expect(await codeOf(openVersions(vault, 'cdp'))).toBe('wrapping_key_missing')
  })

  test('reads no document that is longer than one may be', async () => {
    const { database, vault } = await newWorld()
    const storage = openVaultStorage(database)
    expect(await storage.write('x'.repeat(MAX_DOCUMENT_BYTES + 1), 0)).toBe(true)
    expect(await storage.read()).toEqual({ text: '', revision: 1 })
    expect(await codeOf(vault.list())).toBe('vault_unreadable')
  })

  test('is not changed to what could not be read again', async () => {
    const { database, keyFile, vault, opened } = await newWorld()
    await vault.put('cdp', canary('one'))
    const local = localKey({ path: keyFile })
    const odd: WrappingKey = {
      ...local,
      wrap: async (...given) => ({ ...(await local.wrap(...given)), keyId: 'x'.repeat(301) }),
    }
    const broken = changeableVault({ database, keys: [odd] })
    const error = await broken.put('privy', canary('two')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'vault_unreadable',
      message: expect.stringMatching(/^vault: nothing was changed: .*keyId: /),
    })
    expect(await opened('cdp')).toEqual(['1: canary-one'])
  })

  test('writes after the revision that it has read, and no other', async () => {
    const storage = openVaultStorage(await newDatabase())
    expect(await storage.write('one', 0)).toBe(true)
    expect(await storage.write('again', 0)).toBe(false)
    expect(await storage.write('two', 1)).toBe(true)
    expect(await storage.write('old', 1)).toBe(false)
    expect(await storage.read()).toEqual({ text: 'two', revision: 2 })
  })
})

describe('what is sealed', () => {
  const swaps: [string, (document: Mutable) => void][] = [
    ['swapped between names', ([one, two]) => swap(one, two, 'all')],
    ['swapped between names, sealed parts alone', ([one, two]) => swap(one, two, 'sealed')],
    ['swapped between names, wrapped keys alone', ([one, two]) => swap(one, two, 'keys')],
    ['swapped between versions', ([one]) => swapVersions(one)],
    ['given another number', ([one]) => renumber(one)],
    ['changed in the ciphertext', ([one]) => change(one, 'ciphertext')],
    ['changed in the tag', ([one]) => change(one, 'tag')],
    ['changed in the nonce', ([one]) => change(one, 'nonce')],
    ['changed in the wrapped key', ([one]) => change(one, 'wrappedKey')],
    ['cut in the ciphertext', ([one]) => cut(one, 'ciphertext')],
    ['cut in the wrapped key', ([one]) => cut(one, 'wrappedKey')],
  ]
  test.each(swaps)('opens nothing that was %s', async (_change, mutate) => {
    const { vault, database, opened } = worldAt(newFile())
    await vault.put('aa', canary('one'))
    await vault.rotate('aa', canary('two'), { overlap: '1h' })
    await vault.put('bb', canary('six'))
    const storage = openVaultStorage(database)
    const { text = '', revision = 0 } = (await storage.read()) ?? {}
    const document = JSON.parse(text)
    mutate(document.secrets)
    expect(await storage.write(JSON.stringify(document), revision)).toBe(true)
    const error = await opened('aa').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'secret_unreadable',
      message: expect.stringMatching(/^vault: version \d of aa is not what was sealed: /),
    })
    expect(`${error}`).not.toContain('canary')
  })

  test.each<[string, (text: string) => string]>([
    ['no JSON', (text) => text.slice(0, -1)],
    ['nothing', () => ''],
    ['of another format', (text) => text.replace('bursar/vault/1', 'bursar/vault/2')],
    ['with a field more', (text) => text.replace('"purpose"', '"extra": 1, "purpose"')],
    ['with a short tag', (text) => text.replace(/"tag": "[^"]+"/, '"tag": "AAAA"')],
    ['with a short nonce', (text) => text.replace(/"nonce": "[^"]+"/, '"nonce": "AAAA"')],
    ['with another purpose', (text) => text.replace('"wallet"', '"webhook"')],
    ['with a version too new', (text) => text.replace('"newest": 1', '"newest": 0')],
    ['with loose base64', (text) => text.replace(/"tag": "([^"]+)=="/, '"tag": "$1"')],
  ])('cannot be read when its document is %s', async (_what, change) => {
    const { vault, database, opened } = worldAt(newFile())
    await vault.put('cdp', canary('one'))
    const storage = openVaultStorage(database)
    const { text = '', revision = 0 } = (await storage.read()) ?? {}
    expect(change(text)).not.toBe(text)
    await storage.write(change(text), revision)
    expect(await codeOf(opened('cdp'))).toBe('vault_unreadable')
    expect(await codeOf(vault.rotate('cdp', canary('two')))).toBe('vault_unreadable')
    expect((await storage.read())?.text).toBe(change(text))
  })
})

test('a file is its owner’s alone, and no other database is touched', async () => {
  const { vault, database } = worldAt(newFile())
  await vault.put('cdp', canary('one'))
  expect(statSync(database).mode & 0o777).toBe(0o600)
  await vault.remove('cdp')
  expect(readFileSync(database, 'latin1')).not.toContain('ciphertext')
  const { sqliteStore } = await import('@bursar/store-sqlite')
  const ledger = newFile()
  await sqliteStore({ path: ledger }).close()
  expect(await codeOf(worldAt(ledger).vault.put('cdp', canary('one')))).toBe('vault_unavailable')
  expect(await codeOf(worldAt(folder).vault.list())).toBe('vault_unavailable')
})

/** Another connection that writes, for as long as a slow disk takes. */
const NEIGHBOUR = `
  const { workerData, parentPort } = require('node:worker_threads')
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(workerData)
  database.exec('BEGIN EXCLUSIVE')
  parentPort.postMessage('writing')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  database.exec('COMMIT')`

test('a file that another process is writing to is waited for', async () => {
  const { vault, database, opened } = worldAt(newFile())
  await vault.put('cdp', canary('one'))
  const neighbour = new Worker(NEIGHBOUR, { eval: true, workerData: database })
  await once(neighbour, 'message')
  expect(await opened('cdp')).toEqual(['1: canary-one'])
  await neighbour.terminate()
})

test('a database that is away is told without its password', async () => {
  const url = 'postgres://bursar:canary-password@127.0.0.1:1/none'
  const error = await worldAt(url)
    .vault.list()
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'vault_unavailable',
    message: 'vault: its PostgreSQL database: ECONNREFUSED.',
  })
})

test('what cannot be a vault, a name or a value is refused, and not repeated', async () => {
  const problem = expect.objectContaining({ code: 'invalid_input' })
  expect(() => changeableVault({ database: '', keys: [localKey({ path: 'x' })] })).toThrow(problem)
  expect(() => changeableVault({ database: newFile(), keys: [] })).toThrow(problem)
  const { vault } = worldAt(newFile())
  const bad: [string, unknown][] = [
    ['', canary('x')],
    ['a b', canary('x')],
    ['a/b', canary('x')],
    ['cdp', Buffer.alloc(0)],
    ['cdp', Buffer.alloc(65_537)],
    ['cdp', 'canary'],
  ]
  for (const [name, value] of bad) {
    const error = await vault.put(name, value as Buffer).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_input' })
    expect(`${error}`).not.toContain('canary')
  }
  expect(await codeOf(vault.rotate('cdp', canary('x'), { overlap: 'soon' }))).toBe('invalid_input')
})

type Mutable = { name: string; newest: number; versions: SealedVersion[] }[]
type Entry = Mutable[number] | undefined

const sealedNames = ['nonce', 'ciphertext', 'tag'] as const

function swap(one: Entry, two: Entry, what: 'all' | 'sealed' | 'keys'): void {
  const [left, right] = [one?.versions[0], two?.versions[0]]
  if (!left || !right) throw new Error('Nothing to swap.')
  const names = {
    all: [...sealedNames, 'wrappedKey'] as const,
    sealed: sealedNames,
    keys: ['wrappedKey'] as const,
  }[what]
  for (const name of names) Object.assign(left, { [name]: right[name] })
}

function swapVersions(one: Entry): void {
  const [newer, older] = one?.versions ?? []
  if (!newer || !older) throw new Error('Nothing to swap.')
  const [first, second] = [newer.version, older.version]
  one?.versions.splice(0, 2, { ...older, version: first }, { ...newer, version: second })
}

function renumber(one: Entry): void {
  if (!one) throw new Error('Nothing to number.')
  one.newest = 9
  one.versions = one.versions.slice(0, 1).map((version) => ({ ...version, version: 9 }))
}

function change(one: Entry, name: 'wrappedKey' | (typeof sealedNames)[number]): void {
  const version = one?.versions[0]
  const bytes = Buffer.from(version?.[name] ?? '', 'base64')
  bytes.writeUInt8((bytes.readUInt8(3) ^ 1) & 0xff, 3)
  Object.assign(version ?? {}, { [name]: bytes.toString('base64') })
}

function cut(one: Entry, name: 'wrappedKey' | 'ciphertext'): void {
  const version = one?.versions[0]
  const bytes = Buffer.from(version?.[name] ?? '', 'base64').subarray(0, -2)
  Object.assign(version ?? {}, { [name]: bytes.toString('base64') })
}
