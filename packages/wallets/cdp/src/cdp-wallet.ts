import {
  assertOwnRequest,
  BursarError,
  type SignRequest,
  type SignResult,
  signingKeyOf,
  typedDataOf,
  type Wallet,
} from '@bursar/core'
import { readCdpErrorType, readCdpText, SERVICE_URL } from './cdp-answer.ts'
import {
  type CdpAnswer,
  type CdpApiOptions,
  type CdpCredentials,
  callCdp,
  sendCdpRequest,
  UnsentRequest,
} from './cdp-api.ts'

/** The options of `cdpWallet`. */
export interface CdpWalletOptions {
  /**
   * The account's name at CDP, 2 to 36 letters, digits and hyphens. The account is looked up, and
   * created if there is none.
   */
  readonly account: string
  /** The account's address. If you give it, the account is neither looked up nor created. */
  readonly address?: string | undefined
  /** Fetches the project's credentials, for example from a vault. Called for each request. */
  readonly credentials: () => Promise<CdpCredentials>
  /**
   * The address of the service. Set it in tests.
   *
   * @default 'https://api.cdp.coinbase.com/platform'
   */
  readonly baseUrl?: string | undefined
}

/**
 * Makes a wallet from an account at Coinbase CDP. The account's key never leaves CDP. The
 * credentials are fetched for each request and not kept.
 *
 * `sign` returns `notSigned` if CDP refused the request: `credential_expired` for refused
 * credentials, `wallet_unavailable` for any other refusal. `sign` throws any other failure, and the
 * payment is then in doubt. `address` throws the two codes as errors. Throws `invalid_input` for an
 * invalid option.
 *
 * @example
 * ```ts
 * import { type CdpCredentials, cdpWallet } from '@bursar/wallet-cdp'
 *
 * declare const credentials: () => Promise<CdpCredentials>
 *
 * const wallet = cdpWallet({ account: 'alice-wallet', credentials })
 * ```
 */
export function cdpWallet(options: CdpWalletOptions): Wallet {
  const { account, address: givenAddress, credentials, baseUrl = SERVICE_URL } = options
  if (typeof account !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9-]{0,34}[A-Za-z0-9]$/.test(account)) {
    const rule = 'must be 2 to 36 letters, digits and hyphens'
    throw new BursarError('invalid_input', `cdpWallet: account: ${rule}.`)
  }
  if (givenAddress !== undefined && !/^0x[0-9a-fA-F]{40}$/.test(givenAddress)) {
    throw new BursarError('invalid_input', 'cdpWallet: address: must be 0x and 40 hex digits.')
  }
  if (typeof credentials !== 'function') {
    throw new BursarError('invalid_input', 'cdpWallet: credentials: must be a function.')
  }
  const api: CdpApiOptions = { credentials, baseUrl }
  let knownAddress = givenAddress === undefined ? undefined : Promise.resolve(givenAddress)
  const address = (): Promise<string> => {
    knownAddress ??= findOrCreateWalletAccount(api, account).catch((error: unknown) => {
      knownAddress = undefined
      throw error
    })
    return knownAddress
  }
  return {
    families: ['evm'],
    address,
    sign: async (request) => signByWallet(api, await address(), request),
  }
}

/** Looks the account up by its name, or creates it, and returns its address. */
async function findOrCreateWalletAccount(api: CdpApiOptions, name: string): Promise<string> {
  const find = () =>
    callCdp('cdpWallet', api, { method: 'GET', path: `/v2/evm/accounts/by-name/${name}` })
  const found = await find()
  if (found.status !== 404) return readWalletAddress(found)
  const create = { method: 'POST', path: '/v2/evm/accounts', body: { name } } as const
  const created = await callCdp('cdpWallet', api, create)
  // Another process may have created it in between.
  return readWalletAddress(created.status === 409 ? await find() : created)
}

function readWalletAddress(answer: CdpAnswer): string {
  const { status } = answer
  const address = status < 300 ? readCdpText(answer, 'address') : undefined
  if (address && /^0x[0-9a-fA-F]{40}$/.test(address)) return address
  const refusal = readWalletRefusal(answer)
  const code = refusal?.notSigned ?? 'wallet_unavailable'
  throw new BursarError(code, `cdpWallet: ${refusal?.reason ?? `CDP answered ${status}`}.`)
}

async function signByWallet(
  api: CdpApiOptions,
  address: string,
  request: SignRequest,
): Promise<SignResult> {
  assertOwnRequest(request, address, 'cdpWallet')
  try {
    const answer = await sendCdpRequest(api, {
      method: 'POST',
      path: `/v2/evm/accounts/${address}/sign/typed-data`,
      body: encodeWalletTypedData(request),
      idempotencyKey: signingKeyOf(request),
    })
    const result = readWalletSignature(answer)
    if ('signature' in result) await assertOwnWalletSignature(request, address, result.signature)
    return result
  } catch (error) {
    if (error instanceof UnsentRequest) return { notSigned: error.code, reason: error.message }
    throw error
  }
}

/** Throws `signature_invalid` unless the account itself signed exactly this request. */
async function assertOwnWalletSignature(
  request: SignRequest,
  address: string,
  signature: `0x${string}`,
): Promise<void> {
  const { recoverTypedDataAddress } = await import('viem')
  const signer = await recoverTypedDataAddress({ ...typedDataOf(request), signature }).catch(
    () => undefined,
  )
  if (signer?.toLowerCase() === address.toLowerCase()) return
  throw new BursarError('signature_invalid', `CDP answered with a signature of ${signer}.`)
}

/**
 * Encodes a request as EIP-712 for CDP, which wants the type of the domain and numbers as texts.
 */
function encodeWalletTypedData(request: SignRequest): Readonly<Record<string, unknown>> {
  const { domain, types, primaryType, message } = typedDataOf(request)
  return {
    domain,
    types: { EIP712Domain: domainType, ...types },
    primaryType,
    message: Object.fromEntries(Object.entries(message).map(([name, value]) => [name, `${value}`])),
  }
}

const domainType = [
  { name: 'name', type: 'string' },
  { name: 'version', type: 'string' },
  { name: 'chainId', type: 'uint256' },
  { name: 'verifyingContract', type: 'address' },
]

function readWalletSignature(answer: CdpAnswer): SignResult {
  if (answer.status < 300) {
    const signature = readCdpText(answer, 'signature')
    if (signature && /^0x(?:[0-9a-f]{2})+$/i.test(signature)) {
      return { signature: signature as `0x${string}` }
    }
    throw new BursarError('signature_invalid', 'The answer of CDP holds no signature.')
  }
  const refusal = readWalletRefusal(answer)
  if (refusal) return refusal
  throw new BursarError(
    'wallet_answer_lost',
    `CDP answered ${answer.status}: ${readCdpErrorType(answer)}.`,
  )
}

/** The error types by which CDP says that it did nothing. Any other type may follow a signature. */
const refusals: readonly string[] = [
  'account_limit_exceeded',
  'authorization_expired',
  'forbidden',
  'invalid_request',
  'not_found',
  'payment_method_required',
  'policy_violation',
  'rate_limit_exceeded',
  'unauthorized',
]

/**
 * Reads CDP's refusal in an answer. Returns undefined for any other answer, such as one from a
 * gateway in between: it does not prove that nothing was signed.
 */
function readWalletRefusal(
  answer: CdpAnswer,
): Extract<SignResult, { readonly notSigned: unknown }> | undefined {
  const { status } = answer
  if (status < 400 || status >= 500 || !refusals.includes(readCdpErrorType(answer)))
    return undefined
  const reason = `CDP answered ${status}: ${readCdpErrorType(answer)}`
  return { notSigned: status === 401 ? 'credential_expired' : 'wallet_unavailable', reason }
}
