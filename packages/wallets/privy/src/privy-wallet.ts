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
  askPrivy,
  type PrivyApiOptions,
  type PrivyCall,
  type PrivyCredentials,
} from './privy-api.ts'

/** Whose a new wallet is: a user of the app, or whoever holds the keys of a key quorum. */
export type PrivyOwner = { readonly userId: string } | { readonly keyQuorumId: string }

/** Settings of the wallet. */
export interface PrivyWalletOptions {
  /** Its external id at Privy: it is looked up, and created if there is none. */
  readonly wallet: string
  /**
   * What Privy calls it, and its address, where they are known: then nothing is looked up or created, and
   * only signed.
   */
  readonly known?: { readonly id: string; readonly address: string } | undefined
  /** Whose it is, if it has to be created. */
  readonly owner: PrivyOwner
  /**
   * Who may sign besides the owner, and only what the policy allows, if the wallet has to be created.
   * Without it, `credentials` need the owner's key.
   */
  readonly signer?: { readonly keyQuorumId: string; readonly policyId: string } | undefined
  /** Fetches the app's credentials, for each request anew: from a vault, say. */
  readonly credentials: () => Promise<PrivyCredentials>
  /** Another address of the service, for tests. */
  readonly baseUrl?: string | undefined
}

const SERVICE_URL = 'https://api.privy.io'

/** Wallets of one external id that are looked at: more than one is a race of those who created it. */
const MAX_NAMESAKES = 10

/**
 * Makes a wallet of a wallet at Privy. Its key never leaves Privy; the credentials that reach it are
 * fetched for each request, and forgotten.
 *
 * What Privy refuses was not signed: `credential_expired` for a refused credential, `wallet_unavailable`
 * for the rest, as what a policy at Privy forbids. Everything else is thrown, and is doubt.
 * `address` throws these codes as errors. Throws `invalid_input` for a name that Privy does not take.
 *
 * @example
 * const wallet = privyWallet({
 *   wallet: 'alice-wallet',
 *   owner: { userId: 'did:privy:…' },
 *   signer: { keyQuorumId, policyId },
 *   credentials: () => secrets.open('privy'),
 * })
 */
export function privyWallet(options: PrivyWalletOptions): Wallet {
  const { wallet, known: told, owner, signer, credentials, baseUrl = SERVICE_URL } = options
  if (typeof wallet !== 'string' || !/^[A-Za-z0-9_-]{1,64}$/.test(wallet)) {
    const rule = 'must be 1 to 64 letters, digits, hyphens and underscores'
    throw new BursarError('invalid_input', `privyWallet: wallet: ${rule}.`)
  }
  if (told !== undefined && !isAccount(told)) {
    const rule = 'must be { id, address } as Privy says them'
    throw new BursarError('invalid_input', `privyWallet: known: ${rule}.`)
  }
  if (typeof credentials !== 'function') {
    throw new BursarError('invalid_input', 'privyWallet: credentials: must be a function.')
  }
  const api: PrivyApiOptions = { credentials, baseUrl }
  const creation = creationOf(wallet, owner, signer)
  let known = told === undefined ? undefined : Promise.resolve<Account>(told)
  const account = (): Promise<Account> => {
    known ??= findOrCreate(api, wallet, creation).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
  return {
    families: ['evm'],
    address: async () => (await account()).address,
    sign: async (request) => sign(api, await account(), request),
  }
}

/** What the wallet is called at Privy, and its address. */
interface Account {
  readonly id: string
  readonly address: string
}

function isAccount({ id, address }: Account): boolean {
  return /^0x[0-9a-fA-F]{40}$/.test(address) && /^[A-Za-z0-9_-]{1,100}$/.test(id)
}

type Creation = Parameters<ReturnType<PrivyCall['client']['wallets']>['create']>[0]

function creationOf(
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
    // Whoever else creates it at this moment gets the same one.
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

async function findOrCreate(
  api: PrivyApiOptions,
  wallet: string,
  creation: Creation,
): Promise<Account> {
  const found = await find(api, wallet)
  if (found) return found
  await asked(api, ({ client }) => client.wallets().create(creation))
  // It is read again, so that all who create it at the same time agree on one.
  const made = await find(api, wallet)
  if (made) return made
  const text = `privyWallet: Privy created ${wallet}, and does not know it.`
  throw new BursarError('wallet_unavailable', text)
}

async function find(api: PrivyApiOptions, wallet: string): Promise<Account | undefined> {
  const query = { external_id: wallet, chain_type: 'ethereum', limit: MAX_NAMESAKES } as const
  const page = await asked(api, ({ client }) => client.wallets().list(query))
  const own = page.data
    .filter((one) => one.external_id === wallet && one.chain_type === 'ethereum')
    .sort((left, right) => left.created_at - right.created_at || (left.id < right.id ? -1 : 1))
  const [oldest] = own
  if (!oldest) return undefined
  const { id, address } = oldest
  if (isAccount({ id, address })) return { id, address }
  throw new BursarError('wallet_unavailable', `privyWallet: Privy knows no address of ${wallet}.`)
}

async function asked<Result>(
  api: PrivyApiOptions,
  ask: (call: PrivyCall) => Promise<Result>,
): Promise<Result> {
  const answer = await askPrivy(api, ask)
  if ('result' in answer) return answer.result
  throw new BursarError(answer.refused, `privyWallet: ${answer.reason}.`)
}

async function sign(
  api: PrivyApiOptions,
  { id, address }: Account,
  request: SignRequest,
): Promise<SignResult> {
  assertOwnRequest(request, address, 'privyWallet')
  const answer = await askPrivy(api, ({ client, authorized }) =>
    client
      .wallets()
      .ethereum()
      .signTypedData(id, {
        ...authorized(),
        params: { typed_data: messageOf(request) },
        idempotency_key: signingKeyOf(request),
      }),
  )
  if (!('result' in answer)) return { notSigned: answer.refused, reason: answer.reason }
  return { signature: await ownSignature(request, address, answer.result) }
}

/** Whatever was answered: only the wallet's own signature, over exactly this request, is one. */
async function ownSignature(
  request: SignRequest,
  address: string,
  answered: { readonly signature?: string } | undefined,
): Promise<`0x${string}`> {
  const signature = answered?.signature
  if (typeof signature !== 'string' || !/^0x(?:[0-9a-f]{2})+$/i.test(signature)) {
    throw new BursarError('signature_invalid', 'Privy answered with what is no signature.')
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

/** EIP-712 as Privy takes it: numbers are texts, the same as in the conditions of a policy. */
function messageOf(request: SignRequest): PrivyTypedData {
  const { domain, types, primaryType, message } = typedDataOf(request)
  return {
    domain: { ...domain },
    types: Object.fromEntries(Object.entries(types).map(([name, fields]) => [name, [...fields]])),
    primary_type: primaryType,
    message: Object.fromEntries(Object.entries(message).map(([name, value]) => [name, `${value}`])),
  }
}
