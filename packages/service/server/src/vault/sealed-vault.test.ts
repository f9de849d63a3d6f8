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
const createFilePath = (): string => join(folder, randomUUID())

beforeAll(async () => {
  postgres = await testPostgres()
}, 60_000)
afterAll(async () => {
  await postgres.stop()
  rmSync(folder, { recursive: true })
})

const databases: [string, () => Promise<string>][] = [
  ['a file', async () => createFilePath()],
  ['PostgreSQL', () => postgres.newDatabase()],
]

interface World {
  readonly database: string
  readonly keyFile: string
  readonly vault: ChangeableVault
  /** Returns the versions that a wallet would open now, each with its value, newest first. */
  opened(name: string): Promise<readonly string[]>
}

function createWorld(database: string, keyFile = createFilePath()): World {
  const keys = [localKey({ path: keyFile })]
  const vault = changeableVault({ database, keys })
  return { database, keyFile, vault, opened: (name) => openVersions(vault, name) }
}

const createCanary = (text: string): Buffer => Buffer.from(`canary-${text}`)

async function readCode(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    () => 'done',
    (error: unknown) => (BursarError.isInstance(error) ? error.code : String(error)),
  )
}

describe.each(databases)('a vault in %s', (_what, newDatabase) => {
  const newWorld = async (): Promise<World> => createWorld(await newDatabase())

  test('seals a secret, and stores nothing of it in plain form', async () => {
    const { vault, database, opened } = await newWorld()
    expect(await vault.list()).toEqual([])
    const put = await vault.put('cdp', createCanary('one'))
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
      expect(stored).not.toContain(createCanary('one').toString(form))
    }
  })

  test('refuses a name that is taken, and the rotation of an unknown secret', async () => {
    const { vault } = await newWorld()
    await vault.put('cdp', createCanary('one'))
    expect(await readCode(vault.put('cdp', createCanary('two')))).toBe('secret_exists')
    expect(await readCode(vault.rotate('privy', createCanary('two')))).toBe('secret_unknown')
    expect(await readCode(vault.remove('privy'))).toBe('secret_unknown')
    expect(await readCode(vault.remove('cdp', { version: 7 }))).toBe('secret_unknown')
    expect((await vault.list()).map(({ versions }) => versions.length)).toEqual([1])
  })

  test('rotates at once, or with an overlap that ends', async () => {
    const { vault, opened } = await newWorld()
    await vault.put('cdp', createCanary('one'))
    await vault.rotate('cdp', createCanary('two'))
    expect(await opened('cdp')).toEqual(['2: canary-two'])
    const { versions } = await vault.rotate('cdp', createCanary('three'), { overlap: '1h' })
    expect(versions.map(({ version }) => version)).toEqual([3, 2])
    expect(versions[1]?.endsAt).toBeGreaterThan(Date.now() + 3_500_000)
    expect(await opened('cdp')).toEqual(['3: canary-three', '2: canary-two'])
    await vault.rotate('cdp', createCanary('four'), { overlap: '1h' })
    expect(await opened('cdp')).toEqual(['4: canary-four', '3: canary-three'])
    await vault.remove('cdp', { version: 3 })
    expect(await opened('cdp')).toEqual(['4: canary-four'])
  })

  test('removes a secret, and does not use its version numbers again', async () => {
    const { vault, opened } = await newWorld()
    await vault.put('cdp', createCanary('one'))
    await vault.remove('cdp')
    expect(await vault.list()).toEqual([])
    expect(await readCode(opened('cdp'))).toBe('secret_unknown')
    await vault.put('cdp', createCanary('two'))
    expect(await opened('cdp')).toEqual(['2: canary-two'])
  })

  test('is shared by every server at once, and keeps every one of concurrent writes', async () => {
    const { database, keyFile, vault, opened } = await newWorld()
    const names = ['a', 'b', 'c', 'd', 'e']
    const others = names.map(() => createWorld(database, keyFile).vault)
    await Promise.all(names.map((name, at) => others[at]?.put(name, createCanary(name))))
    expect((await vault.list()).map(({ name }) => name)).toEqual(names)
    for (const name of names) expect(await opened(name)).toEqual([`1: canary-${name}`])
    await others[0]?.rotate('b', createCanary('b2'))
    expect(await opened('b')).toEqual(['2: canary-b2'])
  })

  test('wraps every data key with a new key, and then works without the old key', async () => {
    const { database, keyFile, vault } = await newWorld()
    await vault.put('cdp', createCanary('one'))
    await vault.rotate('cdp', createCanary('two'), { overlap: '1h' })
    await vault.put('privy', createCanary('three'))
    const newer = localKey({ path: createFilePath() })
    const both = changeableVault({ database, keys: [newer, localKey({ path: keyFile })] })
    expect(await openVersions(both, 'cdp')).toEqual(['2: canary-two', '1: canary-one'])
    expect(await both.rewrap()).toEqual({ rewrapped: 3 })
    expect(await both.rewrap()).toEqual({ rewrapped: 0 })
    rmSync(keyFile)
    const rest = changeableVault({ database, keys: [newer] })
    expect(await openVersions(rest, 'cdp')).toEqual(['2: canary-two', '1: canary-one'])
    expect(await openVersions(rest, 'privy')).toEqual(['1: canary-three'])
    expect(await readCode(openVersions(vault, 'cdp'))).toBe('wrapping_key_missing')
  })

  test('refuses a document over the size limit', async () => {
    const { database, vault } = await newWorld()
    const storage = openVaultStorage(database)
    expect(await storage.write('x'.repeat(MAX_DOCUMENT_BYTES + 1), 0)).toBe(true)
    expect(await storage.read()).toEqual({ text: '', revision: 1 })
    expect(await readCode(vault.list())).toBe('vault_unreadable')
  })

  test('refuses a change that would make the document unreadable', async () => {
    const { database, keyFile, vault, opened } = await newWorld()
    await vault.put('cdp', createCanary('one'))
    const local = localKey({ path: keyFile })
    const odd: WrappingKey = {
      ...local,
      wrap: async (...given) => ({ ...(await local.wrap(...given)), keyId: 'x'.repeat(301) }),
    }
    const broken = changeableVault({ database, keys: [odd] })
    const error = await broken.put('privy', createCanary('two')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'vault_unreadable',
      message: expect.stringMatching(/^vault: nothing was changed: .*keyId: /),
    })
    expect(await opened('cdp')).toEqual(['1: canary-one'])
  })

  test('writes only after the revision that was read', async () => {
    const storage = openVaultStorage(await newDatabase())
    expect(await storage.write('one', 0)).toBe(true)
    expect(await storage.write('again', 0)).toBe(false)
    expect(await storage.write('two', 1)).toBe(true)
    expect(await storage.write('old', 1)).toBe(false)
    expect(await storage.read()).toEqual({ text: 'two', revision: 2 })
  })
})

describe('a sealed document', () => {
  const swaps: [string, (document: Mutable) => void][] = [
    ['swapped between names', ([one, two]) => swapFields(one, two, 'all')],
    ['swapped between names, sealed parts alone', ([one, two]) => swapFields(one, two, 'sealed')],
    ['swapped between names, wrapped keys alone', ([one, two]) => swapFields(one, two, 'keys')],
    ['swapped between versions', ([one]) => swapVersions(one)],
    ['given another number', ([one]) => renumber(one)],
    ['changed in the ciphertext', ([one]) => changeField(one, 'ciphertext')],
    ['changed in the tag', ([one]) => changeField(one, 'tag')],
    ['changed in the nonce', ([one]) => changeField(one, 'nonce')],
    ['changed in the wrapped key', ([one]) => changeField(one, 'wrappedKey')],
    ['cut in the ciphertext', ([one]) => cutField(one, 'ciphertext')],
    ['cut in the wrapped key', ([one]) => cutField(one, 'wrappedKey')],
  ]
  test.each(swaps)('does not open a version that was %s', async (_change, mutate) => {
    const { vault, database, opened } = createWorld(createFilePath())
    await vault.put('aa', createCanary('one'))
    await vault.rotate('aa', createCanary('two'), { overlap: '1h' })
    await vault.put('bb', createCanary('six'))
    const storage = openVaultStorage(database)
    const { text = '', revision = 0 } = (await storage.read()) ?? {}
    const document = JSON.parse(text)
    mutate(document.secrets)
    expect(await storage.write(JSON.stringify(document), revision)).toBe(true)
    const error = await opened('aa').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'secret_unreadable',
      message: expect.stringMatching(/^vault: version \d of aa cannot be opened: /),
    })
    expect(`${error}`).not.toContain('canary')
  })

  test.each<[string, (text: string) => string]>([
    ['not JSON', (text) => text.slice(0, -1)],
    ['empty', () => ''],
    ['of another format', (text) => text.replace('bursar/vault/1', 'bursar/vault/2')],
    ['with an extra field', (text) => text.replace('"purpose"', '"extra": 1, "purpose"')],
    ['with a short tag', (text) => text.replace(/"tag": "[^"]+"/, '"tag": "AAAA"')],
    ['with a short nonce', (text) => text.replace(/"nonce": "[^"]+"/, '"nonce": "AAAA"')],
    ['with another purpose', (text) => text.replace('"wallet"', '"webhook"')],
    ['with a version too new', (text) => text.replace('"newest": 1', '"newest": 0')],
    [
      'with base64 that is not canonical',
      (text) => text.replace(/"tag": "([^"]+)=="/, '"tag": "$1"'),
    ],
  ])('cannot be read when its document is %s', async (_what, mutate) => {
    const { vault, database, opened } = createWorld(createFilePath())
    await vault.put('cdp', createCanary('one'))
    const storage = openVaultStorage(database)
    const { text = '', revision = 0 } = (await storage.read()) ?? {}
    expect(mutate(text)).not.toBe(text)
    await storage.write(mutate(text), revision)
    expect(await readCode(opened('cdp'))).toBe('vault_unreadable')
    expect(await readCode(vault.rotate('cdp', createCanary('two')))).toBe('vault_unreadable')
    expect((await storage.read())?.text).toBe(mutate(text))
  })
})

test('a file is readable by its owner only, and other databases are not touched', async () => {
  const { vault, database } = createWorld(createFilePath())
  await vault.put('cdp', createCanary('one'))
  expect(statSync(database).mode & 0o777).toBe(0o600)
  await vault.remove('cdp')
  expect(readFileSync(database, 'latin1')).not.toContain('ciphertext')
  const { sqliteStore } = await import('@bursar/store-sqlite')
  const ledger = createFilePath()
  await sqliteStore({ path: ledger }).close()
  expect(await readCode(createWorld(ledger).vault.put('cdp', createCanary('one')))).toBe(
    'vault_unavailable',
  )
  expect(await readCode(createWorld(folder).vault.list())).toBe('vault_unavailable')
})

/** The source of a worker that holds a write lock for 200 ms, as on a slow disk. */
const SLOW_WRITER = `
  const { workerData, parentPort } = require('node:worker_threads')
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(workerData)
  database.exec('BEGIN EXCLUSIVE')
  parentPort.postMessage('writing')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  database.exec('COMMIT')`

test('a read waits for another process that is writing the file', async () => {
  const { vault, database, opened } = createWorld(createFilePath())
  await vault.put('cdp', createCanary('one'))
  const writer = new Worker(SLOW_WRITER, { eval: true, workerData: database })
  await once(writer, 'message')
  expect(await opened('cdp')).toEqual(['1: canary-one'])
  await writer.terminate()
})

test('the error for an unreachable database does not quote its password', async () => {
  const url = 'postgres://bursar:canary-password@127.0.0.1:1/none'
  const error = await createWorld(url)
    .vault.list()
    .catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'vault_unavailable',
    message: 'vault: its PostgreSQL database: ECONNREFUSED.',
  })
})

test('invalid options, names and values are refused, and not quoted', async () => {
  const problem = expect.objectContaining({ code: 'invalid_input' })
  expect(() => changeableVault({ database: '', keys: [localKey({ path: 'x' })] })).toThrow(problem)
  expect(() => changeableVault({ database: createFilePath(), keys: [] })).toThrow(problem)
  const { vault } = createWorld(createFilePath())
  const bad: [string, unknown][] = [
    ['', createCanary('x')],
    ['a b', createCanary('x')],
    ['a/b', createCanary('x')],
    ['cdp', Buffer.alloc(0)],
    ['cdp', Buffer.alloc(65_537)],
    ['cdp', 'canary'],
  ]
  for (const [name, value] of bad) {
    const error = await vault.put(name, value as Buffer).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'invalid_input' })
    expect(`${error}`).not.toContain('canary')
  }
  expect(await readCode(vault.rotate('cdp', createCanary('x'), { overlap: 'soon' }))).toBe(
    'invalid_input',
  )
})

type Mutable = { name: string; newest: number; versions: SealedVersion[] }[]
type Entry = Mutable[number] | undefined

const sealedNames = ['nonce', 'ciphertext', 'tag'] as const

function swapFields(one: Entry, two: Entry, what: 'all' | 'sealed' | 'keys'): void {
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

function changeField(one: Entry, name: 'wrappedKey' | (typeof sealedNames)[number]): void {
  const version = one?.versions[0]
  const bytes = Buffer.from(version?.[name] ?? '', 'base64')
  bytes.writeUInt8((bytes.readUInt8(3) ^ 1) & 0xff, 3)
  Object.assign(version ?? {}, { [name]: bytes.toString('base64') })
}

function cutField(one: Entry, name: 'wrappedKey' | 'ciphertext'): void {
  const version = one?.versions[0]
  const bytes = Buffer.from(version?.[name] ?? '', 'base64').subarray(0, -2)
  Object.assign(version ?? {}, { [name]: bytes.toString('base64') })
}
