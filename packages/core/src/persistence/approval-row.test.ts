import { expect, test } from 'vitest'
import type { Approval } from '../ledger/approval.ts'
import {
  type ApprovalRow,
  approvalJson,
  assertSameApproval,
  parseApprovalRow,
} from './approval-row.ts'

const bare: Approval = {
  id: 'apr_1',
  session: 'ses_1',
  root: 'ses_0',
  delegation: 'del_1',
  endUser: 'alice',
  state: 'waiting',
  termsHash: 'terms',
  card: {
    amount: '1.00',
    currency: 'USD',
    merchant: 'shop.example',
    payee: '0x2',
    network: 'eip155:8453',
    resource: 'GET /report',
    agent: 'researcher',
    agentSays: 'the report',
  },
  reason: 'every payment asks',
  createdAt: 1,
  expiresAt: 2,
}

const full: Approval = { ...bare, key: 'key', state: 'used', decidedAt: 3, payment: 'pay_1' }

function rowOf(approval: Approval): ApprovalRow {
  const { id, session, root, endUser, state, termsHash, key = null } = approval
  return { id, session, root, endUser, state, termsHash, key, json: approvalJson(approval) }
}

test.each([
  ['with every field', full],
  ['with no optional field', bare],
])('an approval %s comes back from its row', (_name, approval) => {
  expect(parseApprovalRow(rowOf(approval))).toStrictEqual(approval)
})

test('an approval never changes what it asks about', () => {
  assertSameApproval(bare, { ...bare, state: 'approved', decidedAt: 3 })
  const changes: readonly Partial<Approval>[] = [
    { session: 'ses_2' },
    { root: 'ses_2' },
    { endUser: 'bob' },
    { termsHash: 'other' },
    { key: 'other' },
  ]
  for (const change of changes) {
    const [field] = Object.keys(change)
    expect(() => assertSameApproval(full, { ...full, ...change })).toThrow(
      `The ${field} of approval apr_1 can never change.`,
    )
  }
})
