import {
  type Delegation,
  type EndUserAccount,
  endUserAccountId,
  isUnsettled,
  type LimitsText,
  limitsFromText,
  limitsText,
  type Session,
} from '@bursar/core'
import type { Row, Statement } from '../database/statement.ts'
import { assertFixed, type Entry, same } from './entry.ts'
import { originalText, plainText } from './escape-nul-text.ts'
import { optionalNumber } from './optional.ts'
import { columnsOf } from './row-columns.ts'
import { usageColumns, usageOf } from './usage-columns.ts'

/** What of a session is seldom written, as JSON. */
type SessionTerms = Pick<Session, 'payer' | 'tokenHash' | 'merchants' | 'ask' | 'repeatAfterMs'> & {
  readonly limits: LimitsText
}

const sessionTerms = ['limits', 'merchants', 'ask', 'tokenHash', 'repeatAfterMs'] as const

/** What of a delegation is seldom written, as JSON. */
type DelegationTerms = Pick<
  Delegation,
  'agent' | 'instrument' | 'merchants' | 'ask' | 'consent' | 'permission'
> & {
  readonly limits: LimitsText
}

const delegationTerms = [
  'limits',
  'merchants',
  'ask',
  'consent',
  'agent',
  'instrument',
  'permission',
] as const

/** Reads whole accounts of all kinds; a condition follows. */
export const selectAccounts = `
SELECT a.*, (SELECT d.id FROM accounts d WHERE d.pk = a.delegation) AS delegation_id,
  (SELECT p.id FROM accounts p WHERE p.pk = a.parent) AS parent_id FROM accounts a`

/**
 * The accounts with some ids, those of some payments and approvals, and those of some end users, with
 * all ancestors, delegations and end users' accounts.
 */
export const readAccounts: Statement = {
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

/** The accounts of some end users, oldest first. */
export const readGranted: Statement = {
  name: 'read_granted',
  text: `SELECT id, end_user, delegation, is_end_user FROM accounts
  WHERE end_user = ANY ($1::text[]) ORDER BY pk`,
}

/** Inserts accounts whose parents are there. */
export const insertAccounts: Statement = {
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

/** Writes what may change; terms that have not changed are null. */
export const updateAccounts: Statement = {
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

/** Hangs an end user's delegations below the account that they have from now on. */
export const adoptDelegations: Statement = {
  name: 'adopt_delegations',
  text: `UPDATE accounts d SET parent = e.pk FROM accounts e
  WHERE e.is_end_user AND e.end_user = ANY ($1::text[])
    AND d.end_user = e.end_user AND NOT d.is_end_user AND d.parent IS NULL`,
}

/** Marks delegations by whether their permission is still to be settled. */
export const markUnsettled: Statement = {
  name: 'mark_unsettled',
  text: `UPDATE accounts a SET unsettled = u.unsettled
  FROM unnest($1::text[], $2::boolean[]) AS u (id, unsettled) WHERE a.id = u.id`,
}

/** Those whose mark is not what it was. */
export function markedUnsettled(delegations: readonly Entry<Delegation>[]): unknown[][] {
  return columnsOf(
    delegations
      .filter(({ stored, value }) => (stored ? isUnsettled(stored) : false) !== isUnsettled(value))
      .map(({ value }) => [plainText(value.id), isUnsettled(value)]),
  )
}

/** Of an account that the same transaction inserts, the id; of any other, the key. */
export type AccountKey = readonly [pk: string | null, id: string | null]

/** Which of the accounts a row of `accounts` is. */
export function kindOf(row: Row): 'session' | 'delegation' | 'end user' {
  if (row.is_end_user === true) return 'end user'
  return row.delegation === null ? 'delegation' : 'session'
}

export function endUserEntry(row: Row): Entry<EndUserAccount> {
  const endUser = originalText(row.end_user as string)
  const value = {
    id: endUserAccountId(endUser),
    endUser,
    limits: limitsFromText(
      JSON.parse(row.body as string) as LimitsText,
      BigInt(row.total as string),
    ),
    usage: usageOf(row),
    createdAt: Number(row.created_at),
  }
  return { pk: row.pk as string, stored: value, value, overrun: row.overrun as boolean }
}

export function delegationEntry(row: Row): Entry<Delegation> {
  const value = delegationOf(row)
  return { pk: row.pk as string, stored: value, value, overrun: row.overrun as boolean }
}

export function sessionEntry(row: Row): Entry<Session> {
  const value = sessionOf(row)
  return { pk: row.pk as string, stored: value, value, overrun: row.overrun as boolean }
}

/** The values of `insertAccounts`. */
export function insertedAccounts({
  endUsers = [],
  delegations = [],
  sessions = [],
}: Partial<AccountEntries>): unknown[][] {
  return columnsOf([
    ...endUsers.map(({ value, overrun }) => {
      const names = [plainText(value.id), plainText(value.endUser), null, null, value.createdAt]
      return [...names, ...hotColumns(value, overrun), endUserText(value), true]
    }),
    ...delegations.map(({ value, overrun }) => {
      const account = plainText(endUserAccountId(value.endUser))
      const names = [plainText(value.id), plainText(value.endUser), null, account]
      return [
        ...names,
        value.createdAt,
        ...hotColumns(value, overrun),
        delegationText(value),
        false,
      ]
    }),
    ...sessions.map(({ value, overrun }) => {
      const parent = value.parent === undefined ? null : plainText(value.parent)
      const names = [plainText(value.id), null, plainText(value.delegation), parent]
      return [...names, value.createdAt, ...hotColumns(value, overrun), sessionText(value), false]
    }),
  ])
}

/** Accounts to write, by their kinds. */
export interface AccountEntries {
  readonly endUsers: readonly Entry<EndUserAccount>[]
  readonly delegations: readonly Entry<Delegation>[]
  readonly sessions: readonly Entry<Session>[]
}

/** The values of `updateAccounts`. */
export function updatedAccounts({ endUsers, delegations, sessions }: AccountEntries): unknown[][] {
  return columnsOf([
    ...endUsers.map(({ pk, stored, value, overrun }) => {
      const isSame = stored !== undefined && same(stored, value, ['limits'])
      return [pk, ...hotColumns(value, overrun), isSame ? null : endUserText(value)]
    }),
    ...delegations.map(({ pk, stored, value, overrun }) => {
      const isSame = stored !== undefined && same(stored, value, delegationTerms)
      return [pk, ...hotColumns(value, overrun), isSame ? null : delegationText(value)]
    }),
    ...sessions.map(({ pk, stored, value, overrun }) => {
      const isSame = stored !== undefined && same(stored, value, sessionTerms)
      return [pk, ...hotColumns(value, overrun), isSame ? null : sessionText(value)]
    }),
  ])
}

export function assertSameDelegation({ stored, value }: Entry<Delegation>): void {
  if (stored) assertFixed(`delegation ${value.id}`, stored, value, ['endUser', 'createdAt'])
}

export function assertSameSession({ stored, value }: Entry<Session>): void {
  if (!stored) return
  assertFixed(`session ${value.id}`, stored, value, ['delegation', 'parent', 'payer', 'createdAt'])
}

/** From `total` to `locked_at`: the columns of the statements have this order. */
function hotColumns(value: Delegation | Session | EndUserAccount, overrun: boolean): unknown[] {
  const { limits, usage } = value
  // An end user's account never ends.
  const { expiresAt, revokedAt = null } = 'expiresAt' in value ? value : { expiresAt: 0 }
  const { closedAt = null, lockedAt = null } = 'tokenHash' in value ? value : {}
  const counted = [limits.totalMicro, ...usageColumns(usage)]
  return [...counted, overrun, expiresAt, revokedAt, closedAt, lockedAt]
}

function delegationOf(row: Row): Delegation {
  const terms = JSON.parse(row.body as string) as DelegationTerms
  return {
    id: originalText(row.id as string),
    endUser: originalText(row.end_user as string),
    agent: terms.agent,
    instrument: terms.instrument,
    limits: limitsFromText(terms.limits, BigInt(row.total as string)),
    usage: usageOf(row),
    ...(terms.merchants === undefined ? {} : { merchants: terms.merchants }),
    ...(terms.ask === undefined ? {} : { ask: terms.ask }),
    consent: terms.consent,
    ...(terms.permission === undefined ? {} : { permission: terms.permission }),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    ...optionalNumber('revokedAt', row.revoked_at as string | null),
  }
}

function sessionOf(row: Row): Session {
  const terms = JSON.parse(row.body as string) as SessionTerms
  return {
    id: originalText(row.id as string),
    delegation: originalText(row.delegation_id as string),
    ...(row.parent_id === null ? {} : { parent: originalText(row.parent_id as string) }),
    ...(terms.payer === undefined ? {} : { payer: terms.payer }),
    tokenHash: terms.tokenHash,
    limits: limitsFromText(terms.limits, BigInt(row.total as string)),
    usage: usageOf(row),
    ...(terms.merchants === undefined ? {} : { merchants: terms.merchants }),
    ...(terms.ask === undefined ? {} : { ask: terms.ask }),
    repeatAfterMs: terms.repeatAfterMs,
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    ...optionalNumber('revokedAt', row.revoked_at as string | null),
    ...optionalNumber('closedAt', row.closed_at as string | null),
    ...optionalNumber('lockedAt', row.locked_at as string | null),
  }
}

function endUserText({ limits }: EndUserAccount): string {
  return JSON.stringify(limitsText(limits))
}

function delegationText(value: Delegation): string {
  const { agent, instrument, merchants, ask, consent, permission } = value
  const terms: DelegationTerms = {
    agent,
    instrument,
    limits: limitsText(value.limits),
    ...(merchants === undefined ? {} : { merchants }),
    ...(ask === undefined ? {} : { ask }),
    consent,
    ...(permission === undefined ? {} : { permission }),
  }
  return JSON.stringify(terms)
}

function sessionText(value: Session): string {
  const { payer, tokenHash, merchants, ask, repeatAfterMs } = value
  const terms: SessionTerms = {
    ...(payer === undefined ? {} : { payer }),
    tokenHash,
    limits: limitsText(value.limits),
    ...(merchants === undefined ? {} : { merchants }),
    ...(ask === undefined ? {} : { ask }),
    repeatAfterMs,
  }
  return JSON.stringify(terms)
}
