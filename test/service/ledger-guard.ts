import { type Bursar, createBursar } from '@bursar/core'
import { x402 } from '@bursar/x402'
import type { World } from '../../examples/service/src/world.ts'
import { storeAt } from '../places/store-place.ts'

/** Longer than any payload is valid. */
const LATER_SECONDS = 300

/**
 * Opens a guard over the ledger of a guard's process that has ended. The clocks of the chain and of the
 * ledger are past the validity of every payload, so that every payment can be proved.
 */
export async function ledgerGuard({ sandbox, environment }: World): Promise<Bursar> {
  const { network, rpcUrl, asset } = sandbox
  await sandbox.advanceTime(LATER_SECONDS)
  const clock = () => Date.now() + LATER_SECONDS * 1_000
  return createBursar({
    store: storeAt(environment.BURSAR_DATABASE ?? '', clock),
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
