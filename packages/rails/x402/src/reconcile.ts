import type { Evidence, OpenPayment, Verdict } from '@bursar/core'
import type { ChainBlock, ChainReader, TokenReceipt } from './chain-reader.ts'

/** The blocks in one query of logs: as many as public RPC endpoints commonly allow. */
const LOG_RANGE_BLOCKS = 1_000n

/**
 * The most queries of logs backwards from the end of validity, and as many forwards, at a node
 * without old state. The settlement lies backwards, and far back only if the guard's clock was
 * ahead. Only a cancellation can lie forwards. At four blocks a second the queries reach 83 minutes
 * each way.
 */
const MAX_LOG_RANGES = 20

/**
 * Proves the outcome of a payment. Makes every read at one final block.
 *
 * The chain's record of the nonce decides. A use by exactly this transfer settles the payment. A
 * cancellation, or an expired nonce that is still unused, releases it. In any other case it stays
 * open.
 */
export async function reconcile(payment: OpenPayment, chain: ChainReader): Promise<Verdict> {
  const { asset, payer, nonce } = payment
  const final = await chain.finalBlock()
  if (await chain.isNonceUsed(asset.address, payer, nonce, final.number)) {
    return reconcileUsedPayment(payment, chain, final)
  }
  if (isAuthorizationExpired(payment, final)) return reconcileExpiredPayment(final.number)
  return { outcome: 'open', reason: 'The nonce is unused, and the authorization is still valid.' }
}

/** Checks whether the contract refuses the authorization at a block's time. */
function isAuthorizationExpired({ validBefore }: OpenPayment, block: ChainBlock): boolean {
  return block.timestamp >= BigInt(validBefore)
}

function reconcileExpiredPayment(block: bigint): Verdict {
  const reason = 'The nonce is unused at a final block, and the authorization has expired.'
  return { outcome: 'released', evidence: { block: `${block}`, reason } }
}

async function reconcileUsedPayment(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
): Promise<Verdict> {
  const { asset, payer, nonce } = payment
  const claimedVerdict = await reconcileClaimedPayment(payment, chain, final)
  if (claimedVerdict) return claimedVerdict
  const isUnused = async (block: bigint): Promise<boolean> =>
    !(await chain.isNonceUsed(asset.address, payer, nonce, block))
  // A node need not keep old state. Without that state the logs are searched instead.
  const use = await findFirstBlockToReconcile(final.number, isUnused).catch(() => undefined)
  const found =
    use !== undefined && (await reconcileInRange(payment, chain, final, { from: use, to: use }))
  if (found) return found
  const end = await findFirstBlockToReconcile(
    final.number,
    async (block) => !isAuthorizationExpired(payment, await chain.block(block)),
  )
  for (const range of listRangesToReconcile(end, final.number)) {
    const verdict = await reconcileInRange(payment, chain, final, range)
    if (verdict) return verdict
  }
  // A use after the end of validity can only be a cancellation.
  if (isAuthorizationExpired(payment, final) && (await isUnused(end).catch(() => false)))
    return reconcileExpiredPayment(end)
  return {
    outcome: 'open',
    reason: 'The nonce is used, but no transaction was found that used it.',
  }
}

/**
 * Judges the transaction that the merchant claimed. Returns undefined if that gives no verdict: the
 * claim is only a hint, and may name a transaction that makes the node fail.
 */
async function reconcileClaimedPayment(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
): Promise<Verdict | undefined> {
  const { claimedTransaction = '' } = payment
  if (!/^0x[0-9a-fA-F]{64}$/.test(claimedTransaction)) return undefined
  return judgePaymentByTransaction(payment, chain, final, claimedTransaction).catch(() => undefined)
}

interface BlockRange {
  readonly from: bigint
  readonly to: bigint
}

async function reconcileInRange(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
  range: BlockRange,
): Promise<Verdict | undefined> {
  const { asset, payer, nonce } = payment
  for (const transaction of await chain.findNonce(asset.address, payer, nonce, range)) {
    const verdict = await judgePaymentByTransaction(payment, chain, final, transaction)
    if (verdict) return verdict
  }
  return undefined
}

async function judgePaymentByTransaction(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
  transaction: string,
): Promise<Verdict | undefined> {
  const receipt = await chain.receipt(payment.asset.address, transaction)
  return receipt && receipt.block <= final.number
    ? judgePaymentByReceipt(payment, receipt, final)
    : undefined
}

/**
 * Judges a payment by a receipt. Returns undefined if the receipt has no event of the payment's
 * nonce.
 */
function judgePaymentByReceipt(
  payment: OpenPayment,
  receipt: TokenReceipt,
  final: ChainBlock,
): Verdict | undefined {
  const { events, transaction } = receipt
  const makeEvidence = (reason: string): Evidence => ({
    transaction,
    block: `${final.number}`,
    reason,
  })
  const index = events.findIndex(
    (event) =>
      event.kind !== 'transfer' &&
      event.authorizer === payment.payer.toLowerCase() &&
      event.nonce === payment.nonce.toLowerCase(),
  )
  if (index < 0) return undefined
  if (events[index]?.kind === 'canceled') {
    return { outcome: 'released', evidence: makeEvidence('The authorization was cancelled.') }
  }
  // A transaction may settle many authorizations. The transfer of this nonce follows the nonce's
  // event.
  const after = events.slice(index + 1)
  const next = after.findIndex((event) => event.kind !== 'transfer')
  const transfers = next < 0 ? after : after.slice(0, next)
  return transfers.some((event) => isReconciledTransfer(payment, event))
    ? { outcome: 'settled', evidence: makeEvidence('The nonce was used by a transfer as signed.') }
    : { outcome: 'open', reason: `${transaction} used the nonce, but not for this transfer.` }
}

function isReconciledTransfer(
  payment: OpenPayment,
  event: TokenReceipt['events'][number],
): boolean {
  return (
    event.kind === 'transfer' &&
    event.from === payment.payer.toLowerCase() &&
    event.to === payment.terms.payee.toLowerCase() &&
    event.value === payment.terms.atomic
  )
}

/**
 * Finds the first block that is not before a point in the chain's history. Steps backwards from
 * `last` in growing steps, because a node need not keep old history, and then halves the interval.
 *
 * Expects that `last` is not before the point, and that `isBefore` is false for every block after
 * it.
 */
async function findFirstBlockToReconcile(
  last: bigint,
  isBefore: (block: bigint) => Promise<boolean>,
): Promise<bigint> {
  let high = last
  let low = high
  for (let step = LOG_RANGE_BLOCKS; low > 0n; step *= 2n) {
    low = low > step ? low - step : 0n
    if (await isBefore(low)) break
    high = low
  }
  while (low < high) {
    const middle = (low + high) / 2n
    if (await isBefore(middle)) low = middle + 1n
    else high = middle
  }
  return low
}

/**
 * Lists ranges backwards from a block, beginning with the block itself, and then forwards from it.
 */
function* listRangesToReconcile(block: bigint, last: bigint): Generator<BlockRange> {
  let to = block
  for (let range = 0; range < MAX_LOG_RANGES && to >= 0n; range++) {
    const from = to >= LOG_RANGE_BLOCKS ? to - LOG_RANGE_BLOCKS + 1n : 0n
    yield { from, to }
    to = from - 1n
  }
  let from = block + 1n
  for (let range = 0; range < MAX_LOG_RANGES && from <= last; range++) {
    const end = from + LOG_RANGE_BLOCKS - 1n
    yield { from, to: end < last ? end : last }
    from = end + 1n
  }
}
