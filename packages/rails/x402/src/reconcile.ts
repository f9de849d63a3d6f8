import type { OpenPayment, Verdict } from '@bursar/core'
import type { ChainBlock, ChainReader, TokenReceipt } from './chain-reader.ts'

/** How far the guard's clock may be from the chain's, in seconds. */
const CLOCK_SKEW_SECONDS = 300

/** Blocks that one question for logs covers: what public RPC endpoints commonly allow. */
const LOG_RANGE_BLOCKS = 1_000n

/**
 * Most questions for logs of one reconciliation. A settlement is in the first blocks, within the
 * authorization's validity; only a cancellation can come later.
 */
const MAX_LOG_RANGES = 20

/**
 * Proves what became of a payment, by one final block that every read is made at.
 *
 * The chain's own record of the nonce decides: used by exactly this transfer, cancelled, or unused
 * at a time from which on the contract refuses it. All else stays open.
 */
export async function reconcile(payment: OpenPayment, chain: ChainReader): Promise<Verdict> {
  const { asset, payer, nonce } = payment
  const final = await chain.finalBlock()
  if (await chain.isNonceUsed(asset.address, payer, nonce, final.number)) {
    return proveUse(payment, chain, final)
  }
  if (final.timestamp >= BigInt(payment.validBefore)) {
    const reason = 'The nonce is unused at a final block from which on it cannot be used.'
    return { outcome: 'released', evidence: { block: `${final.number}`, reason } }
  }
  return { outcome: 'open', reason: 'The nonce is unused, and the authorization still valid.' }
}

async function proveUse(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
): Promise<Verdict> {
  const { asset, payer, nonce, claimedTransaction } = payment
  const judgeTransaction = async (transaction: string): Promise<Verdict | undefined> => {
    const receipt = await chain.receipt(asset.address, transaction)
    return receipt && receipt.block <= final.number ? judge(payment, receipt, final) : undefined
  }
  if (claimedTransaction !== undefined && /^0x[0-9a-fA-F]{64}$/.test(claimedTransaction)) {
    const verdict = await judgeTransaction(claimedTransaction)
    if (verdict) return verdict
  }
  const earliest = BigInt(payment.reservedAt - CLOCK_SKEW_SECONDS)
  let from = await findBlock(chain, earliest, final)
  for (let range = 0; range < MAX_LOG_RANGES && from <= final.number; range++) {
    const to = smaller(from + LOG_RANGE_BLOCKS - 1n, final.number)
    for (const transaction of await chain.findNonce(asset.address, payer, nonce, { from, to })) {
      const verdict = await judgeTransaction(transaction)
      if (verdict) return verdict
    }
    from = to + 1n
  }
  return {
    outcome: 'open',
    reason: 'The nonce is used, but no transaction was found that used it.',
  }
}

/** What a receipt says about the payment's nonce; `undefined` if nothing. */
function judge(
  payment: OpenPayment,
  receipt: TokenReceipt,
  final: ChainBlock,
): Verdict | undefined {
  const { events, transaction } = receipt
  const evidence = (reason: string): { transaction: string; block: string; reason: string } => ({
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
    return { outcome: 'released', evidence: evidence('The authorization was cancelled.') }
  }
  // A transaction may settle many authorizations: the transfer has to be the one of this nonce.
  const after = events.slice(index + 1)
  const next = after.findIndex((event) => event.kind !== 'transfer')
  const transfers = next < 0 ? after : after.slice(0, next)
  return transfers.some((event) => isTransferOf(payment, event))
    ? { outcome: 'settled', evidence: evidence('The nonce was used by a transfer as signed.') }
    : { outcome: 'open', reason: `${transaction} used the nonce, but not for this transfer.` }
}

function isTransferOf(payment: OpenPayment, event: TokenReceipt['events'][number]): boolean {
  return (
    event.kind === 'transfer' &&
    event.from === payment.payer.toLowerCase() &&
    event.to === payment.terms.payee.toLowerCase() &&
    event.value === payment.terms.atomic
  )
}

/**
 * The first block at or after a time: backwards from the final block in growing steps, for nodes
 * need not keep old history, and then by halving. Blocks' times never run back.
 */
async function findBlock(
  chain: ChainReader,
  timestamp: bigint,
  final: ChainBlock,
): Promise<bigint> {
  const isBefore = async (block: bigint): Promise<boolean> =>
    (await chain.block(block)).timestamp < timestamp
  let high = final.number
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

function smaller(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}
