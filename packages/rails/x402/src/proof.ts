import {
  type Authorization,
  BursarError,
  type Proof,
  type SignRequest,
  type TransferAuthorization,
} from '@bursar/core'
import type { Echo } from './challenge.ts'
import { PAYMENT_KEY } from './mcp-message.ts'
import { chainIdOf, networkOf } from './network-name.ts'
import { writeHeader } from './wire.ts'

/**
 * Longest payment header, in characters, the signature left out. Servers commonly refuse more than
 * 16 KiB of headers; the guarded client refuses more than 64 KiB, and there has to be room for
 * the longest signature that a wallet may give, some 11,000 characters, and the caller's headers.
 */
const MAX_UNSIGNED_HEADER_LENGTH = 16_384

/**
 * Makes what pays: the header `PAYMENT-SIGNATURE` of version 2 or `X-PAYMENT` of version 1, or the
 * `_meta` of a tool call.
 *
 * All that is signed comes from the authorization: of the challenge only what the server compares
 * goes back, unsigned. Before anything is signed, throws `invariant_broken` if they disagree, and
 * `proof_too_long` for a header that could not be sent.
 */
export async function makeProof(
  authorization: Authorization,
  echo: Echo,
  sign: (request: SignRequest) => Promise<`0x${string}`>,
): Promise<Proof> {
  assertSameTerms(authorization, echo)
  const { getAddress } = await import('viem')
  const request = transferOf(authorization)
  // Written before signing: whatever cannot be written must fail while nothing is signed yet.
  const payloadOf = preparePayload(echo, {
    from: getAddress(request.from),
    to: getAddress(request.to),
    value: `${request.value}`,
    validAfter: `${request.validAfter}`,
    validBefore: `${request.validBefore}`,
    nonce: request.nonce,
  })
  const header = echo.version === 2 ? 'payment-signature' : 'x-payment'
  const payload = payloadOf(await sign(request))
  return echo.transport === 'mcp'
    ? { meta: { [PAYMENT_KEY]: payload } }
    : { headers: { [header]: writeHeader(payload) } }
}

function preparePayload(
  echo: Echo,
  authorization: Readonly<Record<string, string>>,
): (signature: string) => object {
  const envelope =
    echo.version === 2
      ? { x402Version: 2, resource: { url: echo.resourceUrl }, accepted: echo.accepted }
      : { x402Version: 1, scheme: echo.scheme, network: echo.network }
  const written: object = JSON.parse(JSON.stringify({ ...envelope, payload: { authorization } }))
  // Not as long as it was read: written again, a short `1e20` has all its digits.
  const { length } = writeHeader(written)
  if (length > MAX_UNSIGNED_HEADER_LENGTH) throw tooLong(length)
  return (signature) => ({ ...written, payload: { signature, authorization } })
}

function transferOf(authorization: Authorization): TransferAuthorization {
  const { terms, asset, payer, nonce, validBefore } = authorization
  const { address, name, version } = asset
  return {
    kind: 'transfer-authorization',
    family: 'evm',
    token: { chainId: chainIdOf(asset.network), address, name, version },
    from: payer,
    to: terms.payee,
    value: terms.atomic,
    validAfter: 0n,
    validBefore: BigInt(validBefore),
    nonce,
  }
}

/** The terms that were checked are the ones that the server will compare with its own. */
function assertSameTerms({ terms, asset }: Authorization, echo: Echo): void {
  const network = echo.version === 2 ? echo.accepted.network : networkOf(echo.network)
  const isSame =
    terms.scheme === 'exact' &&
    terms.network === network &&
    asset.network === terms.network &&
    asset.address === terms.asset &&
    (echo.version === 1 || isSameOffer(terms, echo.accepted))
  if (isSame) return
  throw new BursarError(
    'invariant_broken',
    'The terms of the payment are not those that were offered; nothing was signed.',
  )
}

function isSameOffer(
  terms: Authorization['terms'],
  accepted: Readonly<Record<string, unknown>>,
): boolean {
  const { amount, asset, payTo } = accepted
  return (
    amount === `${terms.atomic}` &&
    `${asset}`.toLowerCase() === terms.asset &&
    `${payTo}`.toLowerCase() === terms.payee
  )
}

function tooLong(length: number): BursarError {
  return new BursarError(
    'proof_too_long',
    `The payment header would have ${length} characters, over ${MAX_UNSIGNED_HEADER_LENGTH}; ` +
      'nothing was signed. Ask the merchant for a shorter offer.',
  )
}
