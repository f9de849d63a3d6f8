import {
  assertOwnRequest,
  BursarError,
  type SignRequest,
  type SignResult,
  signingKeyOf,
  typedDataOf,
  type Wallet,
} from '@bursar/core'
import {
  callPrivy,
  type PrivyApiOptions,
  type PrivyCall,
  type PrivyCredentials,
  sendPrivyRequest,
} from './privy-api.ts'

/** The owner of a new wallet: a user of the app, or the holders of a key quorum. */
export type PrivyOwner = { readonly userId: string } | { readonly keyQuorumId: string }

/** The options of `privyWallet`. */
export interface PrivyWalletOptions {
  /**
   * The wallet's external id at Privy, 1 to 64 letters, digits, hyphens and underscores. The wallet
   * is looked up, and created if there is none.
   */
  readonly wallet: string
  /**
   * The wallet's id at Privy and its address. If you give them, the wallet is neither looked up nor
   * created.
   */
  readonly known?: { readonly id: string; readonly address: string } | undefined
  /** The owner of the wallet, if it has to be created. */
  readonly owner: PrivyOwner
  /**
   * An additional signer of the wallet, limited by a policy, if the wallet has to be created.
   * Without a signer, `credentials` need the owner's key.
   */
  readonly signer?: { readonly keyQuorumId: string; readonly policyId: string } | undefined
  /** Fetches the app's credentials, for example from a vault. Called for each request. */
  readonly credentials: () => Promise<PrivyCredentials>
  /**
   * The address of the service. Set it in tests.
   *
   * @default 'https://api.privy.io'
   */
  readonly baseUrl?: string | undefined
}

const SERVICE_URL = 'https://api.privy.io'

/**
 * The most wallets of one external id to read. There is more than one after a race to create it.
 */
const MAX_NAMESAKES = 10

/**
 * Makes a wallet from a wallet at Privy. Its key never leaves Privy. The credentials are fetched
 * for each request and not kept.
 *
 * `sign` returns `notSigned` if Privy refused the request: `credential_expired` for refused
 * credentials, `wallet_unavailable` for any other refusal, such as one by a policy. `sign` throws
 * any other failure, and the payment is then in doubt. `address` throws the two codes as errors.
 * Throws `invalid_input` for an invalid option.
 *
 * @example
 * ```ts
 * import { type PrivyCredentials, privyWallet } from '@bursar/wallet-privy'
 *
 * declare const credentials: () => Promise<PrivyCredentials>
 *
 * const wallet = privyWallet({
 *   wallet: 'alice-wallet',
 *   owner: { userId: 'did:privy:alice' },
 *   signer: { keyQuorumId: 'quorum-of-the-guard', policyId: 'policy-of-the-guard' },
 *   credentials,
 * })
 * ```
 */
export function privyWallet(options: PrivyWalletOptions): Wallet {
  const { wallet, known: givenAccount, owner, signer, credentials, baseUrl = SERVICE_URL } = options
  if (typeof wallet !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(wallet)) {
    const rule = 'must be 1 to 64 letters, digits, hyphens and underscores'
    throw new BursarError('invalid_input', `privyWallet: wallet: ${rule}.`)
  }
  if (givenAccount !== undefined && !isWalletAccount(givenAccount)) {
    const rule = 'must be { id, address } as Privy names them'
    throw new BursarError('invalid_input', `privyWallet: known: ${rule}.`)
  }
  if (typeof credentials !== 'function') {
    throw new BursarError('invalid_input', 'privyWallet: credentials: must be a function.')
  }
  const api: PrivyApiOptions = { credentials, baseUrl }
  const creation = makeWalletCreation(wallet, owner, signer)
  let knownAccount = givenAccount === undefined ? undefined : Promise.resolve<Account>(givenAccount)
  const findAccount = (): Promise<Account> => {
    knownAccount ??= findOrCreateWallet(api, wallet, creation).catch((error: unknown) => {
      knownAccount = undefined
      throw error
    })
    return knownAccount
  }
  return {
    families: ['evm'],
    address: async () => (await findAccount()).address,
    sign: async (request) => signByWallet(api, await findAccount(), request),
  }
}

/** The wallet's id at Privy, and its address. */
interface Account {
  readonly id: string
  readonly address: string
}

function isWalletAccount({ id, address }: Account): boolean {
  return /^0x[0-9a-fA-F]{40}$/.test(address) && /^[A-Za-z0-9_-]{1,100}$/.test(id)
}

type Creation = Parameters<ReturnType<PrivyCall['client']['wallets']>['create']>[0]

function makeWalletCreation(
  wallet: string,
  owner: PrivyOwner,
  signer: PrivyWalletOptions['signer'],
): Creation {
  const isUser = owner !== undefined && 'userId' in owner
  const id: unknown = isUser ? owner.userId : owner?.keyQuorumId
  if (typeof id !== 'string' || id === '') {
    const rule = 'must be { userId } or { keyQuorumId }'
    throw new BursarError('invalid_input', `privyWallet: owner: ${rule}.`)
  }
  return {
    chain_type: 'ethereum',
    external_id: wallet,
    // Processes that create the wallet at the same moment get one wallet.
    idempotency_key: `bursar-wallet-${wallet}`,
    ...(isUser ? { owner: { user_id: id } } : { owner_id: id }),
    ...(signer === undefined
      ? {}
      : {
          additional_signers: [
            { signer_id: signer.keyQuorumId, override_policy_ids: [signer.policyId] },
          ],
        }),
  }
}

async function findOrCreateWallet(
  api: PrivyApiOptions,
  wallet: string,
  creation: Creation,
): Promise<Account> {
  const found = await findWallet(api, wallet)
  if (found) return found
  await callPrivy('privyWallet', api, ({ client }) => client.wallets().create(creation))
  // The wallet is read again, so that all who created it at the same time agree on one.
  const created = await findWallet(api, wallet)
  if (created) return created
  const text = `privyWallet: Privy created ${wallet}, but does not list it.`
  throw new BursarError('wallet_unavailable', text)
}

/** Finds the oldest wallet with the external id. Returns undefined if there is none. */
async function findWallet(api: PrivyApiOptions, wallet: string): Promise<Account | undefined> {
  const query = { external_id: wallet, chain_type: 'ethereum', limit: MAX_NAMESAKES } as const
  const page = await callPrivy('privyWallet', api, ({ client }) => client.wallets().list(query))
  const namesakes = page.data
    .filter((one) => one.external_id === wallet && one.chain_type === 'ethereum')
    .sort((left, right) => left.created_at - right.created_at || (left.id < right.id ? -1 : 1))
  const [oldest] = namesakes
  if (!oldest) return undefined
  const { id, address } = oldest
  if (isWalletAccount({ id, address })) return { id, address }
  throw new BursarError('wallet_unavailable', `privyWallet: Privy lists no address of ${wallet}.`)
}

async function signByWallet(
  api: PrivyApiOptions,
  { id, address }: Account,
  request: SignRequest,
): Promise<SignResult> {
  assertOwnRequest(request, address, 'privyWallet')
  const answer = await sendPrivyRequest(api, ({ client, authorize }) =>
    client
      .wallets()
      .ethereum()
      .signTypedData(id, {
        ...authorize(),
        params: { typed_data: encodeWalletTypedData(request) },
        idempotency_key: signingKeyOf(request),
      }),
  )
  if (!('result' in answer)) return { notSigned: answer.refused, reason: answer.reason }
  return { signature: await readOwnWalletSignature(request, address, answer.result) }
}

/**
 * Returns the answer's signature. Throws `signature_invalid` unless the wallet itself signed
 * exactly this request.
 */
async function readOwnWalletSignature(
  request: SignRequest,
  address: string,
  answer: { readonly signature?: string } | undefined,
): Promise<`0x${string}`> {
  const signature = answer?.signature
  if (typeof signature !== 'string' || !/^0x(?:[0-9a-f]{2})+$/i.test(signature)) {
    throw new BursarError('signature_invalid', 'The answer of Privy holds no signature.')
  }
  const signed = signature as `0x${string}`
  const { recoverTypedDataAddress } = await import('viem')
  const signer = await recoverTypedDataAddress({
    ...typedDataOf(request),
    signature: signed,
  }).catch(() => undefined)
  if (signer?.toLowerCase() === address.toLowerCase()) return signed
  throw new BursarError('signature_invalid', `Privy answered with a signature of ${signer}.`)
}

type PrivyTypedData = Parameters<
  ReturnType<ReturnType<PrivyCall['client']['wallets']>['ethereum']>['signTypedData']
>[1]['params']['typed_data']

/**
 * Encodes a request as EIP-712 for Privy, with numbers as texts as in the conditions of a policy.
 */
function encodeWalletTypedData(request: SignRequest): PrivyTypedData {
  const { domain, types, primaryType, message } = typedDataOf(request)
  return {
    domain: { ...domain },
    types: Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, [...fields]])),
    primary_type: primaryType,
    message: Object.fromEntries(Object.entries(message).map(([name, value]) => [name, `${value}`])),
  }
}
