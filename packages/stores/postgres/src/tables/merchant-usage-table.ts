import type { MerchantUsage } from '@bursar/core'
import type { Client } from 'pg'
import { executeStatement, type Row, type Statement, type Write } from '../database/statement.ts'
import { escapeNulText, escapeOptionalText, unescapeNulText } from './escape-nul-text.ts'
import { parseUsageColumns, usageColumns, writeRows } from './row-columns.ts'

/** A merchant at which an account, or one of those that it draws from, may have spent. */
export interface MerchantUsageName {
  readonly account?: string | undefined
  /** The payment whose accounts are meant if there is no `account`. */
  readonly payment?: string | undefined
  readonly host: string
  readonly payee: string
}

const merchantUsageRead: Statement = {
  name: 'read_merchant_usages',
  text: `WITH RECURSIVE line AS (
    SELECT u.host, u.payee, a.pk, a.delegation, a.parent
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS u (account, payment, host, payee)
      JOIN accounts a ON a.pk = coalesce((SELECT pk FROM accounts WHERE id = u.account),
        (SELECT p.session FROM payments p WHERE p.id = u.payment))
    UNION SELECT l.host, l.payee, a.pk, a.delegation, a.parent FROM line l
      JOIN accounts a ON a.pk = ANY (ARRAY[l.delegation, l.parent])
  ) SELECT a.id AS account_id, m.* FROM line l
    JOIN merchant_usages m ON m.account = l.pk AND m.host = l.host AND m.payee = l.payee
    JOIN accounts a ON a.pk = l.pk`,
}

const merchantUsageWrite: Statement = {
  name: 'write_merchant_usages',
  text: `INSERT INTO merchant_usages (account, host, payee, settled, held, payments, windows)
  SELECT (SELECT pk FROM accounts WHERE id = u.account), u.host, u.payee, u.settled, u.held,
    u.payments, u.windows
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::text[]) AS u (account, host, payee, settled, held, payments, windows)
  ON CONFLICT (account, host, payee) DO UPDATE SET settled = excluded.settled,
    held = excluded.held, payments = excluded.payments, windows = excluded.windows`,
}

/** Reads what accounts have spent at merchants. Only accounts with limits for each merchant have rows. */
export async function readMerchantUsages(
  client: Client,
  names: readonly MerchantUsageName[],
): Promise<readonly MerchantUsage[]> {
  if (names.length === 0) return []
  const rows = await executeStatement(client, merchantUsageRead, [
    names.map(({ account }) => escapeOptionalText(account)),
    names.map(({ payment }) => escapeOptionalText(payment)),
    names.map(({ host }) => escapeNulText(host)),
    names.map(({ payee }) => escapeNulText(payee)),
  ])
  return rows.map(parseMerchantUsage)
}

/** Returns the statement that writes merchant usages. */
export function writeMerchantUsages(usages: readonly MerchantUsage[]): readonly Write[] {
  return writeRows(
    merchantUsageWrite,
    usages.map(({ account, host, payee, usage }) => [
      escapeNulText(account),
      escapeNulText(host),
      escapeNulText(payee),
      ...usageColumns(usage),
    ]),
  )
}

function parseMerchantUsage(row: Row): MerchantUsage {
  return {
    account: unescapeNulText(row.account_id as string),
    host: unescapeNulText(row.host as string),
    payee: unescapeNulText(row.payee as string),
    usage: parseUsageColumns(row),
  }
}
