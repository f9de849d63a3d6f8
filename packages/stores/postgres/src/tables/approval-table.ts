import { type Approval, type ApprovalState, MAX_RECENT_APPROVALS } from '@bursar/core'
import type { Row, Statement } from '../database/statement.ts'
import { assertFixed, type Entry } from './entry.ts'
import { originalText, plainText } from './escape-nul-text.ts'
import { columnsOf } from './row-columns.ts'

/** What of an approval is read only with all of it, as JSON. */
type Body = Pick<
  Approval,
  'delegation' | 'card' | 'reason' | 'createdAt' | 'expiresAt' | 'decidedAt' | 'payment'
>

/** Reads whole approvals; a condition follows. */
export const selectApprovals = `
SELECT a.*, s.id AS session_id, r.id AS root_id FROM approvals a JOIN accounts s ON s.pk = a.session
  JOIN accounts r ON r.pk = a.root`

/** Approvals by their ids; of a session the latest one for some terms, and as a root its newest. */
export const readApprovals: Statement = {
  name: 'read_approvals',
  text: `WITH found AS (
    SELECT pk FROM approvals WHERE id = ANY ($1::text[])
    UNION SELECT t.pk FROM unnest($2::text[], $3::text[]) AS u (session, terms_hash)
      JOIN accounts s ON s.id = u.session CROSS JOIN LATERAL (
        (SELECT l.pk FROM approvals l WHERE l.session = s.pk AND l.terms_hash = u.terms_hash
          ORDER BY l.pk DESC LIMIT 1)
        UNION (SELECT n.pk FROM approvals n WHERE n.root = s.pk
          ORDER BY n.pk DESC LIMIT ${MAX_RECENT_APPROVALS})
      ) AS t
  ) ${selectApprovals} WHERE a.pk IN (SELECT pk FROM found) ORDER BY a.pk`,
}

export const insertApprovals: Statement = {
  name: 'insert_approvals',
  text: `INSERT INTO approvals (id, session, root, end_user, terms_hash, key, state, body)
  SELECT u.id, (SELECT pk FROM accounts WHERE id = u.session),
    (SELECT pk FROM accounts WHERE id = u.root), u.end_user, u.terms_hash, u.key, u.state, u.body
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[]) WITH ORDINALITY AS u (id, session, root, end_user, terms_hash, key, state, body, place)
  ORDER BY u.place`,
}

export const updateApprovals: Statement = {
  name: 'update_approvals',
  text: `UPDATE approvals a SET state = u.state, body = u.body
  FROM unnest($1::bigint[], $2::text[], $3::text[]) AS u (pk, state, body) WHERE a.pk = u.pk`,
}

export function approvalEntry(row: Row): Entry<Approval> {
  const value = approvalOf(row)
  return { pk: row.pk as string, stored: value, value, overrun: false }
}

/** The values of `insertApprovals`. */
export function insertedApprovals(approvals: readonly Entry<Approval>[]): unknown[][] {
  return columnsOf(
    approvals.map(({ value }) => [
      plainText(value.id),
      plainText(value.session),
      plainText(value.root),
      plainText(value.endUser),
      plainText(value.termsHash),
      value.key === undefined ? null : plainText(value.key),
      value.state,
      bodyOf(value),
    ]),
  )
}

/** The values of `updateApprovals`. */
export function updatedApprovals(approvals: readonly Entry<Approval>[]): unknown[][] {
  return columnsOf(approvals.map(({ pk, value }) => [pk, value.state, bodyOf(value)]))
}

export function assertSameApproval({ stored, value }: Entry<Approval>): void {
  if (!stored) return
  const fixed = ['session', 'root', 'endUser', 'termsHash', 'key'] as const
  assertFixed(`approval ${value.id}`, stored, value, fixed)
}

function bodyOf(value: Approval): string {
  const { delegation, card, reason, createdAt, expiresAt, decidedAt, payment } = value
  return JSON.stringify({ delegation, card, reason, createdAt, expiresAt, decidedAt, payment })
}

function approvalOf(row: Row): Approval {
  const body = JSON.parse(row.body as string) as Body
  return {
    id: originalText(row.id as string),
    session: originalText(row.session_id as string),
    root: originalText(row.root_id as string),
    endUser: originalText(row.end_user as string),
    state: row.state as ApprovalState,
    termsHash: originalText(row.terms_hash as string),
    ...(row.key === null ? {} : { key: originalText(row.key as string) }),
    ...body,
  }
}
