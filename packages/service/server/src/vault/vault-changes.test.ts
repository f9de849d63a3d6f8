import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SecretChange } from '@bursar/core'
import { expect, onTestFinished, test } from 'vitest'
import { localKey } from './local-key.ts'
import { sealedVault } from './sealed-vault.ts'
import type { VaultChanges } from './vault-changes.ts'

interface World {
  readonly changes: VaultChanges
  /** What the ledger was told, and what was in the vault at that moment. */
  readonly told: readonly string[]
  /** Names and versions that are there now. */
  names(): Promise<string>
  /** The ledger, or the vault's disk, fails from now on. */
  fail(what: 'ledger' | 'vault' | 'none'): void
}

function vaultWorld(
  keyName = 'a.key',
  folder = mkdtempSync(join(tmpdir(), 'bursar-changes-')),
): World {
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let failing: 'ledger' | 'vault' | 'none' = 'none'
  const database = join(folder, 'bursar.vault')
  const keys = [...new Set([keyName, 'a.key'])].map((name) =>
    localKey({ path: join(folder, name) }),
  )
  const vault = sealedVault({ database, keys })
  const names = async (): Promise<string> =>
    (await vault.list())
      .map(({ name, versions }) => `${name} ${versions.map(({ version }) => version)}`)
      .join('; ')
  const told: string[] = []
  return {
    told,
    names,
    fail: (what) => {
      failing = what
    },
    changes: vault.recordedBy({
      async recordSecretChanges(changes) {
        if (failing === 'ledger') throw new Error('The ledger cannot be written.')
        told.push(`${changes.map(textOf).join(', ')} while [${await names()}]`)
        if (failing === 'vault') rmSync(folder, { recursive: true })
      },
    }),
  }
}

const textOf = ({ type, secret, version }: SecretChange): string => `${type} ${secret} ${version}`

test('each change is told to the ledger before it is made', async () => {
  const { changes, told } = vaultWorld()
  await changes.put('cdp', Buffer.from('canary-1'))
  await changes.rotate('cdp', Buffer.from('canary-2'), { overlap: '1h' })
  await changes.remove('cdp', { version: 1 })
  await changes.rotate('cdp', Buffer.from('canary-3'), { overlap: '1h' })
  await changes.remove('cdp')
  expect(told).toEqual([
    'secret-added cdp 1 while []',
    'secret-rotated cdp 2 while [cdp 1]',
    'secret-removed cdp 1 while [cdp 2,1]',
    'secret-rotated cdp 3 while [cdp 2]',
    'secret-removed cdp 3, secret-removed cdp 2 while [cdp 3,2]',
  ])
})

test('a new wrapping key is told for every version that it wraps, and for no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-changes-'))
  const before = vaultWorld('a.key', folder)
  await before.changes.put('cdp', Buffer.from('canary-1'))
  await before.changes.rotate('cdp', Buffer.from('canary-2'), { overlap: '1h' })
  const { changes, told } = vaultWorld('b.key', folder)
  await changes.put('privy', Buffer.from('canary-3'))
  expect(await changes.rewrap()).toEqual({ rewrapped: 2 })
  expect(await changes.rewrap()).toEqual({ rewrapped: 0 })
  expect(told.slice(1)).toEqual([
    'secret-rewrapped cdp 2, secret-rewrapped cdp 1 while [cdp 2,1; privy 1]',
  ])
})

test('what the ledger cannot record is not done', async () => {
  const { changes, names, fail } = vaultWorld()
  await changes.put('cdp', Buffer.from('canary'))
  fail('ledger')
  const refused: (() => Promise<unknown>)[] = [
    () => changes.put('privy', Buffer.from('canary')),
    () => changes.rotate('cdp', Buffer.from('canary')),
    () => changes.remove('cdp'),
  ]
  for (const change of refused)
    await expect(change()).rejects.toThrow('The ledger cannot be written')
  expect(await names()).toBe('cdp 1')
})

test('what is refused is not told; what fails afterwards is', async () => {
  const { changes, told, fail } = vaultWorld()
  await expect(changes.rotate('cdp', Buffer.from('canary'))).rejects.toMatchObject({
    code: 'secret_unknown',
  })
  expect(told).toEqual([])
  fail('vault')
  await expect(changes.put('cdp', Buffer.from('canary'))).rejects.toMatchObject({
    code: 'vault_unavailable',
  })
  expect(told).toEqual(['secret-added cdp 1 while []'])
})
