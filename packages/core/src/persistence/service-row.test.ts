import { expect, test } from 'vitest'
import type { Credential } from '../ledger/credential.ts'
import { parseCredentialRow, parseOperationRow, serviceRow } from './service-row.ts'

test('a credential comes back from its row', () => {
  const credential = { id: 'key_1', name: 'agent', roles: ['agent'], createdAt: 1 }
  const row = serviceRow(credential as unknown as Credential)
  expect(row.json).not.toContain('key_1')
  expect(parseCredentialRow(row)).toStrictEqual(credential)
})

test('an operation comes back from its row', () => {
  const operation = { id: 'op_1', inputHash: 'input', subject: 'ses_1', salt: 'salt', at: 1 }
  expect(parseOperationRow(serviceRow(operation))).toStrictEqual(operation)
})
