import type { ClientBase } from 'pg'
import { expect, test } from 'vitest'
import { migrate } from './migrate.ts'

/** Returns a connection to a server of a version and an encoding. */
function serverOf(version: number, name: string, encoding: string): ClientBase {
  const rows = [{ version, name, encoding }]
  return { query: async () => ({ rows }) } as unknown as ClientBase
}

test('a server older than version 15 is refused', async () => {
  const old = serverOf(140_011, '14.11 (Debian 14.11-1)', 'UTF8')
  await expect(migrate(old, 'bursar', 'db:5432/ledger')).rejects.toMatchObject({
    code: 'store_unavailable',
    message:
      'The store db:5432/ledger cannot be opened: PostgreSQL 14.11 (Debian 14.11-1) is too old. Use 15 or newer.',
  })
})
