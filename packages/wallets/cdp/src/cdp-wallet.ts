import {
  assertOwnRequest,
  BursarError,
  type SignRequest,
  type SignResult,
  signingKeyOf,
  typedDataOf,
  type Wallet,
} from '@bursar/core'
import { SERVICE_URL, textIn, typeOf } from './cdp-answer.ts'
import {
  askCdp,
  type CdpAnswer,
  type CdpApiOptions,
  type CdpCredentials,
  NothingSent,
} from './cdp-api.ts'

/** Settings of the wallet. */
export interface CdpWalletOptions {
  /** Name of the account at CDP: it is looked up, and created if there is none. */
  readonly account: string
  /** The account's address, where it is known: then nothing is looked up or created, and only signed. */
  readonly address?: string | undefined
  /** Fetches the project's credentials, for each request anew: from a vault, say. */
  readonly credentials: () => Promise<CdpCredentials>
  /** Another address of the service, for tests. */
  readonly baseUrl?: string | undefined
}

/**
 * Makes a wallet of an account at Coinbase CDP. Its key never leaves CDP; the credentials that reach it
 * are fetched for each request, and forgotten.
 *
 * What CDP refuses was not signed: `credential_expired` for a refused credential, `wallet_unavailable`
 * for the rest. Everything else is thrown, and is doubt.
 * `address` throws these codes as errors. Throws `invalid_input` for a name that CDP does not take.
 *
 * @example
 * const wallet = cdpWallet({ account: 'alice-wallet', credentials: () => secrets.open('cdp') })
 */
export function cdpWallet(options: CdpWalletOptions): Wallet {
  const { account, address: told, credentials, baseUrl = SERVICE_URL } = options
  if (typeof account !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9-]{0,34}[A-Za-z0-9]$/.test(account)) {
    const rule = 'must be 2 to 36 letters, digits and hyphens'
    throw new BursarError('invalid_input', `cdpWallet: account: ${rule}.`)
  }
  if (told !== undefined && !/^0x[0-9a-fA-F]{40}$/.test(told)) {
    throw new BursarError('invalid_input', 'cdpWallet: address: must be 0x and 40 hex digits.')
  }
  if (typeof credentials !== 'function') {
    throw new BursarError('invalid_input', 'cdpWallet: credentials: must be a function.')
  }
  const api: CdpApiOptions = { credentials, baseUrl }
  let known = told === undefined ? undefined : Promise.resolve(told)
  const address = (): Promise<string> => {
    known ??= accountAddress(api, account).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
  return {
    families: ['evm'],
    address,
    sign: async (request) => sign(api, await address(), request),
  }
}

/** Looks the account up by its name, and creates it where there is none. */
async function accountAddress(api: CdpApiOptions, name: string): Promise<string> {
  const find = () => ask(api, { method: 'GET', path: `/v2/evm/accounts/by-name/${name}` })
  const found = await find()
  if (found.status !== 404) return addressOf(found)
  const create = { method: 'POST', path: '/v2/evm/accounts', body: { name } } as const
  const created = await ask(api, create)
  // Another process may have created it in between.
  return addressOf(created.status === 409 ? await find() : created)
}

async function ask(...given: Parameters<typeof askCdp>): Promise<CdpAnswer> {
  try {
    return await askCdp(...given)
  } catch (error) {
    if (!(error instanceof NothingSent)) throw error
    throw new BursarError(error.code, `cdpWallet: ${error.message}.`)
  }
}

function addressOf(answer: CdpAnswer): string {
  const { status } = answer
  const address = status < 300 ? textIn(answer, 'address') : undefined
  if (address && /^0x[0-9a-fA-F]{40}$/.test(address)) return address
  const refused = refusalOf(answer)
  const code = refused?.notSigned ?? 'wallet_unavailable'
  throw new BursarError(code, `cdpWallet: ${refused?.reason ?? `CDP answered ${status}`}.`)
}

async function sign(
  api: CdpApiOptions,
  address: string,
  request: SignRequest,
): Promise<SignResult> {
  assertOwnRequest(request, address, 'cdpWallet')
  try {
    const answer = await askCdp(api, {
      method: 'POST',
      path: `/v2/evm/accounts/${address}/sign/typed-data`,
      body: messageOf(request),
      idempotencyKey: signingKeyOf(request),
    })
    const result = signatureOf(answer)
    if ('signature' in result) await assertOwnSignature(request, address, result.signature)
    return result
  } catch (error) {
    if (error instanceof NothingSent) return { notSigned: error.code, reason: error.message }
    throw error
  }
}

/** Whatever was answered: only the account's own signature, over exactly this request, is one. */
async function assertOwnSignature(
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

/** EIP-712 as CDP takes it: with the type of its domain, and numbers as texts. */
function messageOf(request: SignRequest): Readonly<Record<string, unknown>> {
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

function signatureOf(answer: CdpAnswer): SignResult {
  if (answer.status < 300) {
    const signature = textIn(answer, 'signature')
    if (signature && /^0x(?:[0-9a-f]{2})+$/i.test(signature)) {
      return { signature: signature as `0x${string}` }
    }
    throw new BursarError('signature_invalid', 'CDP answered with what is no signature.')
  }
  const refused = refusalOf(answer)
  if (refused) return refused
  throw new BursarError('wallet_answer_lost', `CDP answered ${answer.status}: ${typeOf(answer)}.`)
}

/** Kinds of error by which the service says that it did nothing. Any other may come after a signature. */
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

/** The service's own word that it did nothing. What a gateway in between answers is not its word. */
function refusalOf(
  answer: CdpAnswer,
): Extract<SignResult, { readonly notSigned: unknown }> | undefined {
  const { status } = answer
  if (status < 400 || status >= 500 || !refusals.includes(typeOf(answer))) return undefined
  const reason = `CDP answered ${status}: ${typeOf(answer)}`
  return { notSigned: status === 401 ? 'credential_expired' : 'wallet_unavailable', reason }
}
