import type { Payment } from '../ledger/payment.ts'
import type { Asset } from '../money/asset.ts'
import type {
  CancelAuthorization,
  SigningToken,
  SignRequest,
  SignResult,
  TransferAuthorization,
  Wallet,
} from '../ports/wallet.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'
import { PAYMENT_TOKEN_LIFE_MS, type PaymentToken } from './payment-token.ts'
import { duringSecretUse, type RecordOpening } from './secret-use.ts'

/** The wallet's own word that it made no signature. */
export class NotSigned extends Error {
  readonly code: 'wallet_unavailable' | 'credential_expired'

  constructor(code: 'wallet_unavailable' | 'credential_expired', reason: string) {
    super(reason)
    this.code = code
  }
}

/** The shape of a signature in hex. Signatures of contract wallets are longer than 65 bytes. */
const signaturePattern = /^0x([0-9a-f]{2}){64,4096}$/i

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
  record: RecordOpening,
): (request: SignRequest) => Promise<`0x${string}`> {
  return async (request) => {
    const terms = signedTransferOf(payment, asset)
    assertSameAsSigned(request, terms, payment.id)
    token.redeem(payment, now())
    // The wallet gets the guard's own words: a rail's object could still change after the check.
    // A remote signer may be slow; whatever it answers after the token's life is doubt.
    const use = { purpose: 'payment', payment: payment.id } as const
    const sign = () => withinDeadline(wallet.sign(terms), PAYMENT_TOKEN_LIFE_MS)
    return gatewaySignatureOf(await duringSecretUse(use, record, sign))
  }
}

/**
 * The only way to the signature that cancels: it lets pass, once, the cancellation of a payment of
 * ours, and nothing else. It needs no payment token, for it can move no money.
 */
export function cancellationGateway(
  wallet: Wallet,
  payment: Payment,
  asset: Asset,
  record: RecordOpening,
): (request: SignRequest) => Promise<`0x${string}`> {
  let used = false
  return async (request) => {
    const cancellation: CancelAuthorization = {
      kind: 'cancel-authorization',
      family: 'evm',
      token: signedTokenOf(payment, asset),
      authorizer: payment.payer,
      nonce: payment.nonce,
    }
    const same =
      request.kind === cancellation.kind &&
      request.family === cancellation.family &&
      isSameSigningToken(request.token, cancellation.token) &&
      equal(request.authorizer, cancellation.authorizer) &&
      request.nonce === cancellation.nonce
    if (used || !same) throw signingMismatch(payment.id, 'cancelled')
    used = true
    const use = { purpose: 'cancellation', payment: payment.id } as const
    const sign = () => withinDeadline(wallet.sign(cancellation), CANCELLATION_SIGNING_MS)
    return gatewaySignatureOf(await duringSecretUse(use, record, sign))
  }
}

/** The longest time for the signature of a cancellation: a later one helps little. */
const CANCELLATION_SIGNING_MS = 15_000

/** The one thing that may be signed for a payment. */
function signedTransferOf(payment: Payment, asset: Asset): TransferAuthorization {
  const { terms } = payment
  return {
    kind: 'transfer-authorization',
    family: 'evm',
    token: signedTokenOf(payment, asset),
    from: payment.payer,
    to: terms.payee,
    value: terms.atomic,
    validAfter: 0n,
    validBefore: BigInt(payment.validBefore),
    nonce: payment.nonce,
  }
}

function signedTokenOf({ terms }: Payment, { name, version }: Asset): SigningToken {
  const chainId = Number(terms.network.replace(/^eip155:/, ''))
  return { chainId, address: terms.asset, name, version }
}

function isSameSigningToken(left: SigningToken, right: SigningToken): boolean {
  return (
    left.chainId === right.chainId &&
    equal(left.address, right.address) &&
    left.name === right.name &&
    left.version === right.version
  )
}

/** Refuses to sign anything but the recorded terms, whatever a rail asks for. */
function assertSameAsSigned(
  request: SignRequest,
  terms: TransferAuthorization,
  paymentId: string,
): void {
  const same =
    request.kind === terms.kind &&
    request.family === terms.family &&
    isSameSigningToken(request.token, terms.token) &&
    equal(request.from, terms.from) &&
    equal(request.to, terms.to) &&
    request.value === terms.value &&
    request.nonce === terms.nonce &&
    request.validAfter === terms.validAfter &&
    request.validBefore === terms.validBefore
  if (!same) throw signingMismatch(paymentId, 'reserved')
}

function signingMismatch(paymentId: string, what: 'reserved' | 'cancelled'): BursarError {
  return new BursarError(
    'terms_mismatch',
    `Payment ${paymentId}: what was asked to be signed is not what was ${what}.`,
  )
}

/**
 * Reads a wallet's answer. Only the two answers that prove it count as `notSigned`, all others as
 * doubt.
 */
function gatewaySignatureOf(result: SignResult): `0x${string}` {
  if ('signature' in result && signaturePattern.test(result.signature)) return result.signature
  if (!('signature' in result) && notSignedCodes.includes(result.notSigned)) {
    throw new NotSigned(result.notSigned, result.reason)
  }
  throw new BursarError('wallet_answer_invalid', 'The wallet answered with no signature.')
}

const notSignedCodes: readonly NotSigned['code'][] = ['wallet_unavailable', 'credential_expired']

function equal(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase()
}
