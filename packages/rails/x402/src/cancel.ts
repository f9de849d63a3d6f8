import type { CancelAnswer, OpenPayment, SignRequest } from '@bursar/core'
import type { ChainReader } from './chain-reader.ts'
import { chainIdOf } from './network-name.ts'
import type { Relayer } from './relayer.ts'

/** What the token contract takes: v, r and s of an account's own key. */
const SIGNATURE_LENGTH = 2 + 2 * 65

/**
 * Asks the token contract to cancel the nonce, through the relayer. By the newest block it looks
 * first whether that can still help: a signature that is not needed is not made, and a transaction
 * that is bound to fail costs gas. Whoever comes first in a block wins, and `reconcile` says who.
 */
export async function cancel(
  payment: OpenPayment,
  chain: ChainReader,
  relayer: Relayer,
  sign: (request: SignRequest) => Promise<`0x${string}`>,
): Promise<CancelAnswer> {
  const { asset, payer, nonce } = payment
  relayer.assertNoPayer(payer)
  const late = await tooLate(payment, chain)
  if (late) return late
  const { address, name, version } = asset
  const token = { chainId: chainIdOf(asset.network), address, name, version }
  const signature = await sign({
    kind: 'cancel-authorization',
    family: 'evm',
    token,
    authorizer: payer,
    nonce,
  })
  if (signature.length !== SIGNATURE_LENGTH) {
    const reason =
      'The signature is that of a contract wallet, which the contract call cannot take.'
    return { outcome: 'unavailable', reason }
  }
  try {
    const cancellation = { token: address, authorizer: payer, nonce, signature }
    const { transaction, state } = await relayer.send(cancellation)
    // Another came first in the block: the money moved, or a cancellation did the same.
    return state === 'reverted' ? used : { outcome: 'asked', transaction }
  } catch (error) {
    // Nodes refuse to send what is bound to fail.
    const overtaken = await tooLate(payment, chain).catch(() => undefined)
    if (overtaken) return overtaken
    throw error
  }
}

const used: CancelAnswer = {
  outcome: 'refused',
  reason: 'The authorization was used or cancelled before.',
}

/** By the newest block, which can still be undone: so this is no proof. */
async function tooLate(
  { asset, payer, nonce, validBefore }: OpenPayment,
  chain: ChainReader,
): Promise<CancelAnswer | undefined> {
  const latest = await chain.latestBlock()
  if (latest.timestamp >= BigInt(validBefore)) {
    return { outcome: 'refused', reason: 'The authorization has ended: it can move nothing.' }
  }
  const isUsed = await chain.isNonceUsed(asset.address, payer, nonce, latest.number)
  return isUsed ? used : undefined
}
