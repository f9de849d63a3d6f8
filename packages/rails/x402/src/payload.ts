import {
  type Authorization,
  BursarError,
  type Payload,
  type SignRequest,
  type TransferAuthorization,
} from '@bursar/core'
import type { Echo } from './challenge.ts'
import { answerExtensions } from './extensions.ts'
import { PAYMENT_KEY } from './mcp-message.ts'
import { parseChainOfNetworkName, toNetworkName } from './network-name.ts'
import { writeWireHeader } from './wire.ts'

/**
 * The longest payment header without its signature, in characters. Servers commonly refuse more
 * than 16 KiB of headers. The guarded client refuses more than 64 KiB, which leaves room for the
 * longest signature of a wallet, some 11,000 characters, and for the caller's headers.
 */
const MAX_UNSIGNED_HEADER_LENGTH = 16_384

/**
 * Makes the signed payload: the header `PAYMENT-SIGNATURE` of version 2, the header `X-PAYMENT` of
 * version 1, or the `_meta` of a tool call.
 *
 * Every signed value comes from the authorization. The fields of the challenge that the server
 * compares go back unsigned. Throws before signing: `invariant_broken` if authorization and
 * challenge disagree, and `proof_too_long` if the header is too long to send.
 */
export async function makePayload(
  authorization: Authorization,
  echo: Echo,
  sign: (request: SignRequest) => Promise<`0x${string}`>,
): Promise<Payload> {
  assertPayloadTerms(authorization, echo)
  const { getAddress } = await import('viem')
  const request = toPayloadTransfer(authorization)
  // The payload is written first, so that a payload that cannot be written fails before signing.
  const addSignature = preparePayload(echo, authorization.paymentId, {
    from: getAddress(request.from),
    to: getAddress(request.to),
    value: `${request.value}`,
    validAfter: `${request.validAfter}`,
    validBefore: `${request.validBefore}`,
    nonce: request.nonce,
  })
  const header = echo.version === 2 ? 'payment-signature' : 'x-payment'
  const payload = addSignature(await sign(request))
  return echo.transport === 'mcp'
    ? { meta: { [PAYMENT_KEY]: payload } }
    : { headers: { [header]: writeWireHeader(payload) } }
}

function preparePayload(
  echo: Echo,
  paymentId: string,
  authorization: Readonly<Record<string, string>>,
): (signature: string) => object {
  const envelope =
    echo.version === 2
      ? {
          x402Version: 2,
          ...(echo.resourceUrl === undefined ? {} : { resource: { url: echo.resourceUrl } }),
          accepted: echo.accepted,
          ...(echo.extensions ? { extensions: answerExtensions(echo.extensions, paymentId) } : {}),
        }
      : { x402Version: 1, scheme: echo.scheme, network: echo.network }
  const written: object = JSON.parse(JSON.stringify({ ...envelope, payload: { authorization } }))
  // The written text may be longer than the challenge: a short `1e20` is written with all its
  // digits.
  const { length } = writeWireHeader(written)
  if (length > MAX_UNSIGNED_HEADER_LENGTH) throw payloadTooLongError(length)
  return (signature) => ({ ...written, payload: { signature, authorization } })
}

function toPayloadTransfer(authorization: Authorization): TransferAuthorization {
  const { terms, asset, payer, nonce, validBefore } = authorization
  const { address, name, version } = asset
  return {
    kind: 'transfer-authorization',
    family: 'evm',
    token: { chainId: parseChainOfNetworkName(asset.network), address, name, version },
    from: payer,
    to: terms.payee,
    value: terms.atomic,
    validAfter: 0n,
    validBefore: BigInt(validBefore),
    nonce,
  }
}

/**
 * Throws `invariant_broken` if the checked terms are not those that the server will compare with
 * its own.
 */
function assertPayloadTerms({ terms, asset }: Authorization, echo: Echo): void {
  const network = echo.version === 2 ? echo.accepted.network : toNetworkName(echo.network)
  const isSame =
    terms.scheme === 'exact' &&
    terms.network === network &&
    asset.network === terms.network &&
    asset.address === terms.asset &&
    (echo.version === 1 || isSamePayloadOffer(terms, echo.accepted))
  if (isSame) return
  throw new BursarError(
    'invariant_broken',
    'The terms of the payment differ from the offer. Nothing was signed.',
  )
}

function isSamePayloadOffer(
  terms: Authorization['terms'],
  accepted: Readonly<Record<string, unknown>>,
): boolean {
  const { amount, asset, payTo } = accepted
  return (
    `${amount}` === `${terms.atomic}` &&
    `${asset}`.toLowerCase() === terms.asset &&
    `${payTo}`.toLowerCase() === terms.payee
  )
}

function payloadTooLongError(length: number): BursarError {
  return new BursarError(
    'proof_too_long',
    `The payment header would have ${length} characters, over ${MAX_UNSIGNED_HEADER_LENGTH}. ` +
      'Nothing was signed. Ask the merchant for a shorter offer.',
  )
}
