import type { Asset } from './asset.ts'
import { BursarError } from './errors.ts'
import { withinTime } from './instrument.ts'
import type { Payment } from './payment.ts'
import { PAYMENT_TOKEN_LIFE_MS, type PaymentToken } from './token.ts'
import type { SignRequest, Wallet } from './wallet.ts'

/** The wallet's own word that it made no signature. */
export class NotSigned extends Error {
  readonly code: 'wallet_unavailable' | 'credential_expired'

  constructor(code: 'wallet_unavailable' | 'credential_expired', reason: string) {
    super(reason)
    this.code = code
  }
}

/**
 * The only way to a signature: it redeems the payment token, and lets pass exactly the terms that
 * the reserving commit fixed. Returns the function that a rail signs through.
 */
export function gateway(
  wallet: Wallet,
  payment: Payment,
  asset: Asset,
  token: PaymentToken,
  now: () => number,
): (request: SignRequest) => Promise<`0x${string}`> {
  return async (request) => {
    assertTerms(request, payment, asset)
    token.redeem(payment, now())
    // A remote signer may be slow; whatever it answers after the token's life is doubt.
    const result = await withinTime(wallet.sign(request), PAYMENT_TOKEN_LIFE_MS)
    if ('signature' in result) return result.signature
    throw new NotSigned(result.notSigned, result.reason)
  }
}

/** Refuses to sign anything but the recorded terms, whatever a rail asks for. */
function assertTerms(request: SignRequest, payment: Payment, asset: Asset): void {
  const { terms } = payment
  const same =
    request.kind === 'transfer-authorization' &&
    request.family === 'evm' &&
    `eip155:${request.token.chainId}` === terms.network &&
    equal(request.token.address, terms.asset) &&
    request.token.name === asset.name &&
    request.token.version === asset.version &&
    equal(request.from, payment.payer) &&
    equal(request.to, terms.payee) &&
    request.value === terms.atomic &&
    request.nonce === payment.nonce &&
    request.validAfter === 0n &&
    request.validBefore === BigInt(payment.validBefore)
  if (same) return
  throw new BursarError(
    'terms_mismatch',
    `Payment ${payment.id}: what was asked to be signed is not what was reserved.`,
  )
}

function equal(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}
