import type { Removed } from '@bursar/core'
import type { Statement, Write } from '../database/statement.ts'
import { escapeNulText } from './escape-nul-text.ts'
import { writeRows } from './row-columns.ts'

const recordUpdate: Statement = {
  name: 'shorten_records',
  text: `UPDATE audit SET body = u.body FROM unnest($1::bigint[], $2::text[]) AS u (seq, body)
    WHERE audit.seq = u.seq`,
}

const paymentRemoval: Statement = {
  name: 'remove_payments',
  text: `WITH gone AS (DELETE FROM payments WHERE id = ANY ($1::text[]) RETURNING pk, session),
    states AS (DELETE FROM payment_states WHERE payment IN (SELECT pk FROM gone)),
    bodies AS (DELETE FROM contents WHERE payment IN (SELECT pk FROM gone))
  DELETE FROM keys USING gone WHERE keys.session = gone.session AND keys.payment = gone.pk`,
}

const approvalRemoval: Statement = {
  name: 'remove_approvals',
  text: 'DELETE FROM approvals WHERE id = ANY ($1::text[])',
}

/** The removal of sessions. It keeps their ids, so that no later session can have one of them. */
const sessionRemoval: Statement = {
  name: 'remove_sessions',
  text: `WITH gone AS (DELETE FROM accounts WHERE id = ANY ($1::text[]) AND delegation IS NOT NULL
      RETURNING pk, id),
    own AS (DELETE FROM keys WHERE session IN (SELECT pk FROM gone)),
    usages AS (DELETE FROM merchant_usages WHERE account IN (SELECT pk FROM gone))
  INSERT INTO archived_sessions SELECT id FROM gone`,
}

/** Returns the writes that remove archived rows from the ledger. */
export function removeRows({ records, payments, approvals, sessions }: Removed): readonly Write[] {
  return [
    ...writeRows(
      recordUpdate,
      records.map(({ seq, body }) => [seq, body]),
    ),
    ...writeRows(paymentRemoval, idRows(payments)),
    ...writeRows(approvalRemoval, idRows(approvals)),
    ...writeRows(sessionRemoval, idRows(sessions)),
  ]
}

function idRows(ids: readonly string[]): readonly string[][] {
  return ids.map((id) => [escapeNulText(id)])
}
