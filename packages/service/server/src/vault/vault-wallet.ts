import {
  assertOwnRequest,
  BursarError,
  type SignRequest,
  type SignResult,
  type Wallet,
} from '@bursar/core'
import type { OpenedSecret } from './opened-secret.ts'
import { NotOpened, type OpenedVersion, openVersions, type SecretSource } from './secret-source.ts'

/** A wallet whose key, or whose way to its provider, is in a vault. */
export interface VaultWalletOptions {
  /** The secret's name. */
  readonly secret: string
  /** The wallet's address. It is known beforehand, so that only signing needs the secret. */
  readonly address: string
  /**
   * Makes the wallet that signs, for one signature, with the opened secret. The same secret has to
   * make a wallet of the same address.
   */
  readonly wallet: (secret: OpenedSecret) => Wallet
}

type NotSigned = Extract<SignResult, { readonly notSigned: unknown }>

/** The words that prove that nothing was signed. Any other answer is the gateway's to doubt. */
const notSignedCodes: readonly unknown[] = ['wallet_unavailable', 'credential_expired']

/**
 * Opens the secret for each signature that the guard's gateway asks for, records that first, and
 * forgets the secret with the answer.
 *
 * Whatever keeps it from opening is `wallet_unavailable`: nothing was signed. Where the provider
 * refuses the newest credential, the one before it is tried while it is good: the refusal proves
 * that nothing was signed.
 */
export function vaultWallet(source: SecretSource, options: VaultWalletOptions): Wallet {
  const { secret, address, wallet } = options
  assertAddress(address)
  return {
    families: ['evm'],
    address: async () => address,
    async sign(request) {
      assertOwnRequest(request, address, `vault.wallet of ${secret}`)
      let result: SignResult = notSignedExpired(`${secret} has no version that is good now`)
      try {
        for await (const opened of openVersions(source, secret, ['payment', 'cancellation'])) {
          result = await signWithVersion({ secret, address, wallet }, opened, request)
          if (!('notSigned' in result) || result.notSigned !== 'credential_expired') break
        }
        return result
      } catch (error) {
        if (error instanceof NotOpened) return notSignedUnavailable(error.message)
        throw error
      }
    },
  }
}

async function signWithVersion(
  options: VaultWalletOptions,
  opened: OpenedVersion,
  request: SignRequest,
): Promise<SignResult> {
  const wallet = await makeWallet(options, opened)
  const result = 'notSigned' in wallet ? wallet : await wallet.sign(request)
  // A wallet may read its fields late, and tell only that it could not fetch its credentials.
  const hasNotSigned = 'notSigned' in result && notSignedCodes.includes(result.notSigned)
  if (!hasNotSigned || !opened.isInvalid()) return result
  const { secret } = options
  return notSignedExpired(
    `${secret}: version ${opened.version} has not the fields that the wallet reads`,
  )
}

/** The wallet, or why there is none: up to here nobody has been asked to sign. */
async function makeWallet(
  { wallet, address, secret }: VaultWalletOptions,
  { version, secret: opened }: OpenedVersion,
): Promise<Wallet | NotSigned> {
  try {
    const made = wallet(opened)
    const own = await made.address('evm')
    if (own.toLowerCase() === address.toLowerCase()) return made
    return notSignedUnavailable(`version ${version} of ${secret} is of ${own}, not of ${address}`)
  } catch (error) {
    const code = BursarError.isInstance(error) ? error.code : undefined
    if (code === 'wallet_unavailable') return notSignedUnavailable(`${secret}: ${code}`)
    // What makes no wallet is no credential. What was thrown may quote it.
    return notSignedExpired(
      `${secret}: version ${version} makes no wallet${code ? `: ${code}` : ''}`,
    )
  }
}

function notSignedUnavailable(reason: string): NotSigned {
  return { notSigned: 'wallet_unavailable', reason }
}

function notSignedExpired(reason: string): NotSigned {
  return { notSigned: 'credential_expired', reason }
}

function assertAddress(address: unknown): void {
  if (typeof address === 'string' && /^0x[0-9a-fA-F]{40}$/.test(address)) return
  const rule = 'must be the address of the wallet, 0x and 40 hex digits'
  throw new BursarError('invalid_input', `vault.wallet: address: ${rule}.`)
}
