import type { KnownMerchant } from '@bursar/core'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { escapeNulText, escapeOptionalText, unescapeNulText } from './escape-nul-text.ts'
import { writeRows } from './row-columns.ts'

/** A name within a delegation, which is found by its id, by one of its sessions or its payments. */
export interface NameInDelegation {
  /** The id of the delegation or of a session. */
  readonly account?: string | undefined
  readonly payment?: string | undefined
  /** The host of a merchant, or the hash of a request. */
  readonly name: string
}

const merchantRead: Statement = {
  name: 'read_merchants',
  text: `SELECT d.id AS delegation_id, m.host, m.payee, m.payments, m.troubled
  FROM (SELECT u.host, coalesce(
      (SELECT coalesce(a.delegation, a.pk) FROM accounts a WHERE a.id = u.account),
      (SELECT p.delegation FROM payments p WHERE p.id = u.payment)) AS delegation
    FROM unnest($1::text[], $2::text[], $3::text[]) AS u (account, payment, host)) AS w
  JOIN merchants m ON m.delegation = w.delegation AND m.host = w.host
  JOIN accounts d ON d.pk = m.delegation`,
}

const merchantWrite: Statement = {
  name: 'write_merchants',
  text: `INSERT INTO merchants (delegation, host, payee, payments, troubled)
  SELECT (SELECT pk FROM accounts WHERE id = u.delegation), u.host, u.payee, u.payments, u.troubled
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
    AS u (delegation, host, payee, payments, troubled)
  ON CONFLICT (delegation, host) DO UPDATE SET payee = excluded.payee,
    payments = excluded.payments, troubled = excluded.troubled`,
}

/** Reads what is known of merchants within delegations. */
export async function readMerchants(
  client: Client,
  names: readonly NameInDelegation[],
): Promise<readonly KnownMerchant[]> {
  if (names.length === 0) return []
  const rows = await executeStatement(client, merchantRead, [
    names.map(({ account }) => escapeOptionalText(account)),
    names.map(({ payment }) => escapeOptionalText(payment)),
    names.map(({ name }) => escapeNulText(name)),
  ])
  return rows.map(parseMerchant)
}

/** Returns the statement that writes merchants. */
export function writeMerchants(merchants: readonly KnownMerchant[]): readonly Write[] {
  return writeRows(
    merchantWrite,
    merchants.map(({ delegation, host, payee, payments, troubled }) => [
      escapeNulText(delegation),
      escapeNulText(host),
      escapeNulText(payee),
      payments,
      troubled,
    ]),
  )
}

function parseMerchant(row: Row): KnownMerchant {
  return {
    delegation: unescapeNulText(row.delegation_id as string),
    host: unescapeNulText(row.host as string),
    payee: unescapeNulText(row.payee as string),
    payments: Number(row.payments),
    troubled: Number(row.troubled),
  }
}
