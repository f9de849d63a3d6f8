import type { Approval, ApprovalState } from '@bursar/core'
import { approvalJson, MAX_RECENT_APPROVALS, parseApprovalRow } from '@bursar/core/store'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { type Entry, storedEntry } from './entry.ts'
import {
  escapeNulText,
  escapeOptionalText,
  unescapeNulColumn,
  unescapeNulText,
} from './escape-nul-text.ts'
import { writeRows } from './row-columns.ts'

/** The hash of some terms within a session. */
export interface TermsName {
  readonly session: string
  readonly termsHash: string
}

/** The keys and names by which approvals are loaded. */
export interface ApprovalNames {
  readonly ids: ReadonlySet<string>
  /**
   * The terms of which a session's latest approval is read, and its newest ones if it is a root.
   */
  readonly terms: readonly TermsName[]
}

/** Reads whole approvals; a condition follows. */
export const selectApprovals = `
SELECT a.*, s.id AS session_id, r.id AS root_id FROM approvals a JOIN accounts s ON s.pk = a.session
  JOIN accounts r ON r.pk = a.root`

const approvalRead: Statement = {
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

const approvalInsert: Statement = {
  name: 'insert_approvals',
  text: `INSERT INTO approvals (id, session, root, end_user, terms_hash, key, state, body)
  SELECT u.id, (SELECT pk FROM accounts WHERE id = u.session),
    (SELECT pk FROM accounts WHERE id = u.root), u.end_user, u.terms_hash, u.key, u.state, u.body
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[]) WITH ORDINALITY AS u (id, session, root, end_user, terms_hash, key, state, body, place)
  ORDER BY u.place`,
}

const approvalUpdate: Statement = {
  name: 'update_approvals',
  text: `UPDATE approvals a SET state = u.state, body = u.body
  FROM unnest($1::bigint[], $2::text[], $3::text[]) AS u (pk, state, body) WHERE a.pk = u.pk`,
}

/** Reads the named approvals, oldest first. */
export async function readApprovals(
  client: Client,
  { ids, terms }: ApprovalNames,
): Promise<readonly Entry<Approval>[]> {
  if (ids.size + terms.length === 0) return []
  const rows = await executeStatement(client, approvalRead, [
    [...ids].map(escapeNulText),
    terms.map(({ session }) => escapeNulText(session)),
    terms.map(({ termsHash }) => escapeNulText(termsHash)),
  ])
  return rows.map(approvalEntry)
}

/** Returns the statement that inserts approvals. */
export function insertApprovals(approvals: readonly Entry<Approval>[]): readonly Write[] {
  return writeRows(
    approvalInsert,
    approvals.map(({ value }) => [
      escapeNulText(value.id),
      escapeNulText(value.session),
      escapeNulText(value.root),
      escapeNulText(value.endUser),
      escapeNulText(value.termsHash),
      escapeOptionalText(value.key),
      value.state,
      approvalJson(value),
    ]),
  )
}

/** Returns the statement that updates approvals. */
export function updateApprovals(approvals: readonly Entry<Approval>[]): readonly Write[] {
  return writeRows(
    approvalUpdate,
    approvals.map(({ pk, value }) => [pk, value.state, approvalJson(value)]),
  )
}

/** Returns the approval of a row that `selectApprovals` reads. */
export function approvalEntry(row: Row): Entry<Approval> {
  const approval = parseApprovalRow({
    id: unescapeNulText(row.id as string),
    session: unescapeNulText(row.session_id as string),
    root: unescapeNulText(row.root_id as string),
    endUser: unescapeNulText(row.end_user as string),
    state: row.state as ApprovalState,
    termsHash: unescapeNulText(row.terms_hash as string),
    key: unescapeNulColumn(row.key),
    json: row.body as string,
  })
  return storedEntry(row, approval, false)
}
