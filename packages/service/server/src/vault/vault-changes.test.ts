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
  /** The recorded changes, each with the content of the vault at that moment. */
  readonly recorded: readonly string[]
  /** Returns the names and versions in the vault now. */
  names(): Promise<string>
  /** Makes writes of the ledger or of the vault's disk fail from now on. */
  fail(what: 'ledger' | 'vault' | 'none'): void
}

function createVaultWorld(
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
  const recorded: string[] = []
  return {
    recorded,
    names,
    fail: (what) => {
      failing = what
    },
    changes: vault.recordedBy({
      async recordSecretChanges(changes) {
        if (failing === 'ledger') throw new Error('The ledger cannot be written.')
        recorded.push(`${changes.map(formatChange).join(', ')} while [${await names()}]`)
        if (failing === 'vault') rmSync(folder, { recursive: true })
      },
    }),
  }
}

const formatChange = ({ type, secret, version }: SecretChange): string =>
  `${type} ${secret} ${version}`

test('the ledger records each change before it is made', async () => {
  const { changes, recorded } = createVaultWorld()
  await changes.put('cdp', Buffer.from('canary-1'))
  await changes.rotate('cdp', Buffer.from('canary-2'), { overlap: '1h' })
  await changes.remove('cdp', { version: 1 })
  await changes.rotate('cdp', Buffer.from('canary-3'), { overlap: '1h' })
  await changes.remove('cdp')
  expect(recorded).toEqual([
    'secret-added cdp 1 while []',
    'secret-rotated cdp 2 while [cdp 1]',
    'secret-removed cdp 1 while [cdp 2,1]',
    'secret-rotated cdp 3 while [cdp 2]',
    'secret-removed cdp 3, secret-removed cdp 2 while [cdp 3,2]',
  ])
})

test('rewrapping is recorded for the versions that it wraps again, and for no other', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-changes-'))
  const before = createVaultWorld('a.key', folder)
  await before.changes.put('cdp', Buffer.from('canary-1'))
  await before.changes.rotate('cdp', Buffer.from('canary-2'), { overlap: '1h' })
  const { changes, recorded } = createVaultWorld('b.key', folder)
  await changes.put('privy', Buffer.from('canary-3'))
  expect(await changes.rewrap()).toEqual({ rewrapped: 2 })
  expect(await changes.rewrap()).toEqual({ rewrapped: 0 })
  expect(recorded.slice(1)).toEqual([
    'secret-rewrapped cdp 2, secret-rewrapped cdp 1 while [cdp 2,1; privy 1]',
  ])
})

test('a change that the ledger cannot record is not made', async () => {
  const { changes, names, fail } = createVaultWorld()
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

test('a refused change is not recorded, and one that fails later is', async () => {
  const { changes, recorded, fail } = createVaultWorld()
  await expect(changes.rotate('cdp', Buffer.from('canary'))).rejects.toMatchObject({
    code: 'secret_unknown',
  })
  expect(recorded).toEqual([])
  fail('vault')
  await expect(changes.put('cdp', Buffer.from('canary'))).rejects.toMatchObject({
    code: 'vault_unavailable',
  })
  expect(recorded).toEqual(['secret-added cdp 1 while []'])
})
