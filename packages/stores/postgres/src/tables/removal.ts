import type { Statement } from '../database/statement.ts'
import { plainText } from './escape-nul-text.ts'

/** The rows that leave the ledger, once they are in an archive: one statement for all of a kind. */
export const shortenRecords: Statement = {
  name: 'shorten_records',
  text: `UPDATE audit SET body = u.body FROM unnest($1::bigint[], $2::text[]) AS u (seq, body)
    WHERE audit.seq = u.seq`,
}

export const removePayments: Statement = {
  name: 'remove_payments',
  text: `WITH gone AS (DELETE FROM payments WHERE id = ANY ($1::text[]) RETURNING pk, session),
    states AS (DELETE FROM payment_states WHERE payment IN (SELECT pk FROM gone)),
    bodies AS (DELETE FROM contents WHERE payment IN (SELECT pk FROM gone))
  DELETE FROM keys USING gone WHERE keys.session = gone.session AND keys.payment = gone.pk`,
}

export const removeApprovals: Statement = {
  name: 'remove_approvals',
  text: 'DELETE FROM approvals WHERE id = ANY ($1::text[])',
}

/** Their ids are kept: no session has one of them again. */
export const removeSessions: Statement = {
  name: 'remove_sessions',
  text: `WITH gone AS (DELETE FROM accounts WHERE id = ANY ($1::text[]) AND delegation IS NOT NULL
      RETURNING pk, id),
    own AS (DELETE FROM keys WHERE session IN (SELECT pk FROM gone)),
    usages AS (DELETE FROM merchant_usages WHERE account IN (SELECT pk FROM gone))
  INSERT INTO archived_sessions SELECT id FROM gone`,
}

/** The values of a statement that removes rows by their ids. */
export function removedIds(ids: readonly string[]): readonly unknown[] {
  return ids.length === 0 ? [] : [ids.map(plainText)]
}
