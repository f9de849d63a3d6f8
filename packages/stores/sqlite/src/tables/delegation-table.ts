import {
  type Delegation,
  isUnsettled,
  type LimitsText,
  limitsFromText,
  limitsText,
} from '@bursar/core'
import type { Database, Row } from '../database/database.ts'
import { optionalNumber } from './optional.ts'
import { assertFixed, type Entry, same, type Table } from './row-cache.ts'
import { usageColumns, usageOf } from './usage-columns.ts'

/** What of a delegation is written once, as JSON. */
type Terms = Pick<
  Delegation,
  'agent' | 'instrument' | 'merchants' | 'ask' | 'consent' | 'permission'
> & {
  readonly limits: LimitsText
}

const termsFields = [
  'limits',
  'merchants',
  'ask',
  'consent',
  'agent',
  'instrument',
  'permission',
] as const

/** Reads whole delegations; a condition follows. */
export const selectDelegations = `
SELECT d.*, t.body FROM delegations d JOIN delegation_terms t ON t.delegation = d.pk`

export function delegationTable(database: Database): Table<Delegation> {
  const load = database.statement(`${selectDelegations} WHERE d.id = ?`)
  const insert = database.statement(`INSERT INTO delegations
    (id, end_user, total, settled, held, payments, windows, overrun, created_at, expires_at,
     revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING`)
  const insertTerms = database.statement('INSERT INTO delegation_terms VALUES (?, ?)')
  const update = database.statement(`UPDATE delegations SET total = ?, settled = ?, held = ?,
    payments = ?, windows = ?, overrun = ?, expires_at = ?, revoked_at = ? WHERE pk = ?`)
  const updateTerms = database.statement(
    'UPDATE delegation_terms SET body = ? WHERE delegation = ?',
  )
  const mark = database.statement('UPDATE delegations SET unsettled = ? WHERE pk = ?')
  return {
    noun: 'delegation',
    grows: false,
    id: ({ id }) => id,
    load(id) {
      const row = load.get(id)
      return row && delegationEntry(row)
    },
    insert(value, overrun) {
      const { id, endUser, limits, usage, createdAt, expiresAt, revokedAt } = value
      const pk = insert.insert(
        id,
        endUser,
        limits.totalMicro,
        ...usageColumns(usage),
        Number(overrun),
        createdAt,
        expiresAt,
        revokedAt ?? null,
      )
      if (pk === undefined) return undefined
      insertTerms.run(pk, termsText(value))
      if (isUnsettled(value)) mark.run(1, pk)
      return { pk, stored: value, value, overrun }
    },
    update(entry) {
      const { pk, stored, value, overrun } = entry
      assertFixed(`delegation ${value.id}`, stored, value, ['endUser', 'createdAt'])
      const { limits, usage, expiresAt, revokedAt } = value
      const columns = usageColumns(usage)
      const times = [expiresAt, revokedAt ?? null] as const
      update.run(limits.totalMicro, ...columns, Number(overrun), ...times, pk)
      if (!same(stored, value, termsFields)) updateTerms.run(termsText(value), pk)
      if (isUnsettled(stored) !== isUnsettled(value)) mark.run(Number(isUnsettled(value)), pk)
    },
  }
}

export function delegationEntry(row: Row): Entry<Delegation> {
  const value = delegationOf(row)
  return { pk: row.pk as bigint, stored: value, value, overrun: row.overrun === 1n }
}

function delegationOf(row: Row): Delegation {
  const terms = JSON.parse(row.body as string) as Terms
  return {
    id: row.id as string,
    endUser: row.end_user as string,
    agent: terms.agent,
    instrument: terms.instrument,
    limits: limitsFromText(terms.limits, row.total as bigint),
    usage: usageOf(row),
    ...(terms.merchants === undefined ? {} : { merchants: terms.merchants }),
    ...(terms.ask === undefined ? {} : { ask: terms.ask }),
    consent: terms.consent,
    ...(terms.permission === undefined ? {} : { permission: terms.permission }),
    createdAt: Number(row.created_at),
    expiresAt: Number(row.expires_at),
    ...optionalNumber('revokedAt', row.revoked_at),
  }
}

function termsText(value: Delegation): string {
  const { agent, instrument, merchants, ask, consent, permission } = value
  const terms: Terms = {
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
