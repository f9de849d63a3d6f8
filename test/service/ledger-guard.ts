import { type Bursar, createBursar } from '@bursar/core'
import { x402 } from '@bursar/x402'
import type { World } from '../../examples/service/src/world.ts'
import { storeAt } from '../places/store-place.ts'

/** Opens a guard over the ledger of a guard's process that has ended, to read its rows. */
export function ledgerGuard({ sandbox, environment }: World): Bursar {
  const { network, rpcUrl, asset } = sandbox
  return createBursar({
    store: storeAt(environment.BURSAR_DATABASE ?? ''),
    rails: [x402({ networks: { [network]: { rpcUrl } } })],
    assets: [asset],
  })
}

/** Returns every row of a list, page by page. */
export async function everyRow<Row>(
  list: (page: { readonly after?: string }) => Promise<{
    readonly rows: readonly Row[]
    readonly cursor?: string
  }>,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  let after: string | undefined
  do {
    const page = await list(after === undefined ? {} : { after })
    rows.push(...page.rows)
    after = page.cursor
  } while (after !== undefined)
  return rows
}
