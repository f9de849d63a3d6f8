import type { OpenPayment, Verdict } from '@bursar/core'
import type { ChainBlock, ChainReader, TokenReceipt } from './chain-reader.ts'

/** Blocks that one question for logs covers: what public RPC endpoints commonly allow. */
const LOG_RANGE_BLOCKS = 1_000n

/**
 * Most questions for logs, backwards from the end of validity and as many on from it, at a node
 * without old state. Backwards lies the settlement, further only if the guard's clock was ahead;
 * after it only a cancellation. At four blocks a second they reach 83 minutes each way.
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
  if (isOver(payment, final)) return unusable(final.number)
  return { outcome: 'open', reason: 'The nonce is unused, and the authorization still valid.' }
}

/** True from the time on at which the contract refuses the authorization. */
function isOver({ validBefore }: OpenPayment, block: ChainBlock): boolean {
  return block.timestamp >= BigInt(validBefore)
}

function unusable(block: bigint): Verdict {
  const reason = 'The nonce is unused at a final block from which on it cannot be used.'
  return { outcome: 'released', evidence: { block: `${block}`, reason } }
}

async function proveUse(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
): Promise<Verdict> {
  const { asset, payer, nonce } = payment
  const claimed = await judgeClaimed(payment, chain, final)
  if (claimed) return claimed
  const isUnused = async (block: bigint): Promise<boolean> =>
    !(await chain.isNonceUsed(asset.address, payer, nonce, block))
  // Nodes need not keep old state: what they cannot say is searched for in the logs.
  const use = await firstBlock(final.number, isUnused).catch(() => undefined)
  const found =
    use !== undefined && (await judgeRange(payment, chain, final, { from: use, to: use }))
  if (found) return found
  const end = await firstBlock(
    final.number,
    async (block) => !isOver(payment, await chain.block(block)),
  )
  for (const range of rangesAround(end, final.number)) {
    const verdict = await judgeRange(payment, chain, final, range)
    if (verdict) return verdict
  }
  // What used the nonce later can only have cancelled it.
  if (isOver(payment, final) && (await isUnused(end).catch(() => false))) return unusable(end)
  return {
    outcome: 'open',
    reason: 'The nonce is used, but no transaction was found that used it.',
  }
}

/**
 * The transaction that the merchant named is only a hint, and may be one that makes the node fail:
 * whatever comes of it but a verdict, the search goes on without it.
 */
async function judgeClaimed(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
): Promise<Verdict | undefined> {
  const { claimedTransaction = '' } = payment
  if (!/^0x[0-9a-fA-F]{64}$/.test(claimedTransaction)) return undefined
  return judgeTransaction(payment, chain, final, claimedTransaction).catch(() => undefined)
}

interface BlockRange {
  readonly from: bigint
  readonly to: bigint
}

async function judgeRange(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
  range: BlockRange,
): Promise<Verdict | undefined> {
  const { asset, payer, nonce } = payment
  for (const transaction of await chain.findNonce(asset.address, payer, nonce, range)) {
    const verdict = await judgeTransaction(payment, chain, final, transaction)
    if (verdict) return verdict
  }
  return undefined
}

async function judgeTransaction(
  payment: OpenPayment,
  chain: ChainReader,
  final: ChainBlock,
  transaction: string,
): Promise<Verdict | undefined> {
  const receipt = await chain.receipt(payment.asset.address, transaction)
  return receipt && receipt.block <= final.number ? judge(payment, receipt, final) : undefined
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
 * The first block that is not before a point in the chain's history: backwards from the last in
 * growing steps, for nodes need not keep old history, and then by halving. The last is taken not
 * to be before it, and `isBefore` never to become true again.
 */
async function firstBlock(
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

/** Ranges backwards from a block, itself included, and then on from it. */
function* rangesAround(block: bigint, last: bigint): Generator<BlockRange> {
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
