import type { CancelAnswer, OpenPayment, SignRequest } from '@bursar/core'
import type { ChainReader } from './chain-reader.ts'
import { parseChainOfNetworkName } from './network-name.ts'
import type { Relayer } from './relayer.ts'

/**
 * The length of a signature that the token contract takes: v, r and s of an account's own key, in
 * hex.
 */
const SIGNATURE_LENGTH = 2 + 2 * 65

/**
 * Cancels the payment's nonce at the token contract, through the relayer.
 *
 * Checks the newest block first, because a needless signature is a risk and a transaction that must
 * fail costs gas. If a transfer and the cancellation race, the first in a block wins, and
 * `reconcile` proves which. Throws `relayer_is_payer` if the payer is the relayer, and
 * `rail_unreachable` if the endpoint fails.
 */
export async function cancel(
  payment: OpenPayment,
  chain: ChainReader,
  relayer: Relayer,
  sign: (request: SignRequest) => Promise<`0x${string}`>,
): Promise<CancelAnswer> {
  const { asset, payer, nonce } = payment
  relayer.assertNotPayer(payer)
  const refusal = await findCancelRefusal(payment, chain)
  if (refusal) return refusal
  const { address, name, version } = asset
  const token = { chainId: parseChainOfNetworkName(asset.network), address, name, version }
  const signature = await sign({
    kind: 'cancel-authorization',
    family: 'evm',
    token,
    authorizer: payer,
    nonce,
  })
  if (signature.length !== SIGNATURE_LENGTH) {
    const reason =
      'The wallet is a contract, and the token cancels only by the signature of an own key.'
    return { outcome: 'unavailable', reason }
  }
  try {
    const cancellation = { token: address, authorizer: payer, nonce, signature }
    const { transaction, state } = await relayer.send(cancellation)
    // Another transaction came first in the block: a transfer, or another cancellation.
    return state === 'reverted' ? usedAnswer : { outcome: 'asked', transaction }
  } catch (error) {
    // Nodes refuse a transaction that must fail, as it must after the nonce was used.
    const lateRefusal = await findCancelRefusal(payment, chain).catch(() => undefined)
    if (lateRefusal) return lateRefusal
    throw error
  }
}

const usedAnswer: CancelAnswer = {
  outcome: 'refused',
  reason: 'The authorization was used or cancelled before.',
}

/**
 * Returns the reason not to cancel by the newest block, if there is one. That block can be undone:
 * it proves nothing.
 */
async function findCancelRefusal(
  { asset, payer, nonce, validBefore }: OpenPayment,
  chain: ChainReader,
): Promise<CancelAnswer | undefined> {
  const latest = await chain.latestBlock()
  if (latest.timestamp >= BigInt(validBefore)) {
    return { outcome: 'refused', reason: 'The authorization has expired and can move nothing.' }
  }
  const isUsed = await chain.isNonceUsed(asset.address, payer, nonce, latest.number)
  return isUsed ? usedAnswer : undefined
}
