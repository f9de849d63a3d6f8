import type { MerchantUsage } from '@bursar/core'
import type { Row, Statement } from '../database/statement.ts'
import { originalText, plainText } from './escape-nul-text.ts'
import { columnsOf } from './row-columns.ts'
import { usageColumns, usageOf } from './usage-columns.ts'

/**
 * What accounts have spent at merchants: of the account with an id, of all that it draws from, and of
 * the accounts of a payment. Only those with per-merchant limits have such rows.
 */
export const readMerchantUsages: Statement = {
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

export const writeMerchantUsages: Statement = {
  name: 'write_merchant_usages',
  text: `INSERT INTO merchant_usages (account, host, payee, settled, held, payments, windows)
  SELECT (SELECT pk FROM accounts WHERE id = u.account), u.host, u.payee, u.settled, u.held,
    u.payments, u.windows
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::text[]) AS u (account, host, payee, settled, held, payments, windows)
  ON CONFLICT (account, host, payee) DO UPDATE SET settled = excluded.settled,
    held = excluded.held, payments = excluded.payments, windows = excluded.windows`,
}

export function merchantUsageOf(row: Row): MerchantUsage {
  return {
    account: originalText(row.account_id as string),
    host: originalText(row.host as string),
    payee: originalText(row.payee as string),
    usage: usageOf(row),
  }
}

/** The values of `writeMerchantUsages`. */
export function writtenMerchantUsages(usages: readonly MerchantUsage[]): unknown[][] {
  return columnsOf(
    usages.map(({ account, host, payee, usage }) => [
      plainText(account),
      plainText(host),
      plainText(payee),
      ...usageColumns(usage),
    ]),
  )
}
