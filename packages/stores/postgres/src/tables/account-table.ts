import type { Delegation, EndUserAccount, Session } from '@bursar/core'
import {
  delegationJson,
  endUserAccountId,
  endUserJson,
  hasSameDelegationJson,
  hasSameEndUserJson,
  hasSameSessionJson,
  isUnsettled,
  parseDelegationRow,
  parseEndUserRow,
  parseSessionRow,
  sessionJson,
} from '@bursar/core/store'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { type Entry, storedEntry } from './entry.ts'
import {
  escapeNulText,
  escapeOptionalText,
  unescapeNulColumn,
  unescapeNulText,
} from './escape-nul-text.ts'
import { numberColumnOrNull, parseUsageColumns, usageColumns, writeRows } from './row-columns.ts'

/** The keys and names by which accounts are loaded. */
export interface AccountNames {
  /** The ids of the accounts to load. */
  readonly accounts: ReadonlySet<string>
  readonly payments: ReadonlySet<string>
  readonly approvals: ReadonlySet<string>
  readonly endUsers: ReadonlySet<string>
}

/** The loaded accounts, by kind. */
export interface AccountEntries {
  readonly endUsers: readonly Entry<EndUserAccount>[]
  readonly delegations: readonly Entry<Delegation>[]
  readonly sessions: readonly Entry<Session>[]
}

/** The accounts as the database returned them. */
export interface ReadAccounts extends AccountEntries {
  /** The end users of loaded delegations without an end-user account. */
  readonly withoutAccount: readonly string[]
}

/** The delegations of an end user, oldest first, and whether they have an account. */
export interface Grants {
  readonly endUser: string
  readonly delegations: readonly string[]
  readonly hasAccount: boolean
}

/** Reads whole accounts of all kinds; a condition follows. */
export const selectAccounts = `
SELECT a.*, (SELECT d.id FROM accounts d WHERE d.pk = a.delegation) AS delegation_id,
  (SELECT p.id FROM accounts p WHERE p.pk = a.parent) AS parent_id FROM accounts a`

const accountRead: Statement = {
  name: 'read_accounts',
  text: `WITH RECURSIVE named AS (
  SELECT pk, delegation, parent FROM accounts WHERE id = ANY ($1::text[])
  UNION SELECT a.pk, a.delegation, a.parent FROM payments p JOIN accounts a ON a.pk = p.session
    WHERE p.id = ANY ($2::text[])
  UNION SELECT a.pk, a.delegation, a.parent FROM approvals q JOIN accounts a ON a.pk = q.session
    WHERE q.id = ANY ($3::text[])
  UNION SELECT pk, delegation, parent FROM accounts WHERE end_user = ANY ($4::text[])
  UNION SELECT a.pk, a.delegation, a.parent FROM named n
    JOIN accounts a ON a.pk = ANY (ARRAY[n.delegation, n.parent])
) ${selectAccounts} WHERE a.pk IN (SELECT pk FROM named)`,
}

const grantRead: Statement = {
  name: 'read_granted',
  text: `SELECT id, end_user, delegation, is_end_user FROM accounts
  WHERE end_user = ANY ($1::text[]) ORDER BY pk`,
}

/** The parents of the accounts have to be there. */
const accountInsert: Statement = {
  name: 'insert_accounts',
  text: `INSERT INTO accounts (id, end_user, delegation, parent, created_at, total, settled, held,
    payments, windows, overrun, expires_at, revoked_at, closed_at, locked_at, body, is_end_user)
  SELECT u.id, u.end_user, (SELECT pk FROM accounts WHERE id = u.delegation),
    (SELECT pk FROM accounts WHERE id = u.parent), u.created_at, u.total, u.settled, u.held,
    u.payments, u.windows, u.overrun, u.expires_at, u.revoked_at, u.closed_at, u.locked_at, u.body,
    u.is_end_user
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::boolean[], $12::bigint[],
    $13::bigint[], $14::bigint[], $15::bigint[], $16::text[], $17::boolean[]) WITH ORDINALITY
    AS u (id, end_user, delegation, parent, created_at, total, settled, held, payments, windows,
      overrun, expires_at, revoked_at, closed_at, locked_at, body, is_end_user, place) ORDER BY u.place`,
}

/** A body that has not changed is null. */
const accountUpdate: Statement = {
  name: 'update_accounts',
  text: `UPDATE accounts a SET total = u.total, settled = u.settled, held = u.held,
    payments = u.payments, windows = u.windows, overrun = u.overrun, expires_at = u.expires_at,
    revoked_at = u.revoked_at, closed_at = u.closed_at, locked_at = u.locked_at,
    body = coalesce(u.body, a.body)
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[],
    $7::boolean[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[])
    AS u (pk, total, settled, held, payments, windows, overrun, expires_at, revoked_at, closed_at,
      locked_at, body) WHERE a.pk = u.pk`,
}

const delegationAdoption: Statement = {
  name: 'adopt_delegations',
  text: `UPDATE accounts d SET parent = e.pk FROM accounts e
  WHERE e.is_end_user AND e.end_user = ANY ($1::text[])
    AND d.end_user = e.end_user AND NOT d.is_end_user AND d.parent IS NULL`,
}

const unsettledMark: Statement = {
  name: 'mark_unsettled',
  text: `UPDATE accounts a SET unsettled = u.unsettled
  FROM unnest($1::text[], $2::boolean[]) AS u (id, unsettled) WHERE a.id = u.id`,
}

/** Reads the named accounts, with all that they draw from. */
export async function readAccounts(client: Client, names: AccountNames): Promise<ReadAccounts> {
  const { accounts, payments, approvals, endUsers } = names
  const sets = [accounts, payments, approvals, endUsers]
  if (sets.every(({ size }) => size === 0)) return parseAccounts([])
  const values = sets.map((ids) => [...ids].map(escapeNulText))
  return parseAccounts(await executeStatement(client, accountRead, values))
}

/** Reads which delegations end users have granted. */
export async function readAccountGrants(
  client: Client,
  endUsers: ReadonlySet<string>,
): Promise<readonly Grants[]> {
  if (endUsers.size === 0) return []
  const rows = await executeStatement(client, grantRead, [[...endUsers].map(escapeNulText)])
  return [...endUsers].map((endUser) => {
    const own = rows.filter((row) => row.end_user === escapeNulText(endUser))
    const delegations = own
      .filter((row) => accountKindOf(row) === 'delegation')
      .map((row) => unescapeNulText(row.id as string))
    return {
      endUser,
      delegations,
      hasAccount: own.some((row) => accountKindOf(row) === 'end user'),
    }
  })
}

/** Returns the statements that insert end users' accounts, and make them parents of their delegations. */
export function insertEndUserAccounts(entries: readonly Entry<EndUserAccount>[]): readonly Write[] {
  const rows = entries.map(({ value, overrun }) => [
    ...[escapeNulText(value.id), escapeNulText(value.endUser), null, null, value.createdAt],
    ...hotAccountColumns(value, overrun),
    ...[endUserJson(value), true],
  ])
  const names = entries.map(({ value }) => [escapeNulText(value.endUser)])
  return [...writeRows(accountInsert, rows), ...writeRows(delegationAdoption, names)]
}

/** Returns the statement that inserts delegations. */
export function insertDelegationAccounts(entries: readonly Entry<Delegation>[]): readonly Write[] {
  const rows = entries.map(({ value, overrun }) => [
    ...[escapeNulText(value.id), escapeNulText(value.endUser), null],
    ...[escapeNulText(endUserAccountId(value.endUser)), value.createdAt],
    ...hotAccountColumns(value, overrun),
    ...[delegationJson(value), false],
  ])
  return writeRows(accountInsert, rows)
}

/** Returns the statement that inserts sessions, none of which is the parent of another. */
export function insertSessionAccounts(entries: readonly Entry<Session>[]): readonly Write[] {
  const rows = entries.map(({ value, overrun }) => [
    ...[escapeNulText(value.id), null, escapeNulText(value.delegation)],
    ...[escapeOptionalText(value.parent), value.createdAt],
    ...hotAccountColumns(value, overrun),
    ...[sessionJson(value), false],
  ])
  return writeRows(accountInsert, rows)
}

/** Returns the statement that updates accounts of all kinds. */
export function updateAccounts({
  endUsers,
  delegations,
  sessions,
}: AccountEntries): readonly Write[] {
  return writeRows(accountUpdate, [
    ...updatedAccountRows(endUsers, hasSameEndUserJson, endUserJson),
    ...updatedAccountRows(delegations, hasSameDelegationJson, delegationJson),
    ...updatedAccountRows(sessions, hasSameSessionJson, sessionJson),
  ])
}

function updatedAccountRows<Account extends Delegation | Session | EndUserAccount>(
  entries: readonly Entry<Account>[],
  hasSameJson: (stored: Account, next: Account) => boolean,
  toJson: (account: Account) => string,
): unknown[][] {
  return entries.map(({ pk, stored, value, overrun }) => {
    const isSame = stored !== undefined && hasSameJson(stored, value)
    return [pk, ...hotAccountColumns(value, overrun), isSame ? null : toJson(value)]
  })
}

/** Returns the statement that marks the delegations whose permission has begun, or ceased, to be unsettled. */
export function markUnsettledAccounts(entries: readonly Entry<Delegation>[]): readonly Write[] {
  const changed = entries.filter(
    ({ stored, value }) => (stored ? isUnsettled(stored) : false) !== isUnsettled(value),
  )
  return writeRows(
    unsettledMark,
    changed.map(({ value }) => [escapeNulText(value.id), isUnsettled(value)]),
  )
}

function parseAccounts(rows: readonly Row[]): ReadAccounts {
  const ofKind = (kind: AccountKind): readonly Row[] =>
    rows.filter((row) => accountKindOf(row) === kind)
  const delegationRows = ofKind('delegation')
  return {
    endUsers: ofKind('end user').map(endUserAccountEntry),
    delegations: delegationRows.map(delegationAccountEntry),
    sessions: ofKind('session').map(sessionAccountEntry),
    withoutAccount: delegationRows
      .filter((row) => row.parent === null)
      .map((row) => unescapeNulText(row.end_user as string)),
  }
}

type AccountKind = 'session' | 'delegation' | 'end user'

function accountKindOf(row: Row): AccountKind {
  if (row.is_end_user === true) return 'end user'
  return row.delegation === null ? 'delegation' : 'session'
}

function endUserAccountEntry(row: Row): Entry<EndUserAccount> {
  const account = parseEndUserRow({
    endUser: unescapeNulText(row.end_user as string),
    totalMicro: BigInt(row.total as string),
    usage: parseUsageColumns(row),
    createdAt: Number(row.created_at),
    json: row.body as string,
  })
  return storedEntry(row, account, row.overrun as boolean)
}

/** Returns the delegation of a row that `selectAccounts` reads. */
export function delegationAccountEntry(row: Row): Entry<Delegation> {
  const delegation = parseDelegationRow({
    id: unescapeNulText(row.id as string),
    endUser: unescapeNulText(row.end_user as string),
    totalMicro: BigInt(row.total as string),
    usage: parseUsageColumns(row),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    revokedAt: numberColumnOrNull(row.revoked_at),
    json: row.body as string,
  })
  return storedEntry(row, delegation, row.overrun as boolean)
}

/** Returns the session of a row that `selectAccounts` reads. */
export function sessionAccountEntry(row: Row): Entry<Session> {
  const session = parseSessionRow({
    id: unescapeNulText(row.id as string),
    delegation: unescapeNulText(row.delegation_id as string),
    parent: unescapeNulColumn(row.parent_id),
    totalMicro: BigInt(row.total as string),
    usage: parseUsageColumns(row),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    revokedAt: numberColumnOrNull(row.revoked_at),
    closedAt: numberColumnOrNull(row.closed_at),
    lockedAt: numberColumnOrNull(row.locked_at),
    json: row.body as string,
  })
  return storedEntry(row, session, row.overrun as boolean)
}

/** Returns the columns from `total` to `locked_at`, in the order of both statements. */
function hotAccountColumns(
  account: Delegation | Session | EndUserAccount,
  overrun: boolean,
): unknown[] {
  const { limits, usage } = account
  // The account of an end user never expires.
  const { expiresAt, revokedAt = null } = 'expiresAt' in account ? account : { expiresAt: 0 }
  const { closedAt = null, lockedAt = null } = 'tokenHash' in account ? account : {}
  const counters = [limits.totalMicro, ...usageColumns(usage)]
  return [...counters, overrun, expiresAt, revokedAt, closedAt, lockedAt]
}
