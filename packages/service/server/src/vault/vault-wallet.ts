import {
  assertOwnRequest,
  BursarError,
  type SignRequest,
  type SignResult,
  type Wallet,
} from '@bursar/core'
import type { OpenedSecret } from './opened-secret.ts'
import {
  NotOpened,
  type OpenedVersion,
  openSourceVersions,
  type SecretSource,
} from './secret-source.ts'

/** The options of `vault.wallet`. */
export interface VaultWalletOptions {
  /** The name of the secret with the private key or the provider's credentials. */
  readonly secret: string
  /** The address of the wallet. With it, the secret is opened for signing only. */
  readonly address: string
  /**
   * Creates the wallet from the opened secret. The wallet is used for one signature and must have
   * `address`.
   */
  readonly wallet: (secret: OpenedSecret) => Wallet
}

type NotSigned = Extract<SignResult, { readonly notSigned: unknown }>

/** The codes that prove that no signature was made. The signing gateway doubts every other answer. */
const notSignedCodes: readonly unknown[] = ['wallet_unavailable', 'credential_expired']

/**
 * Creates a wallet that opens the secret for each signature, records each opening before it, and
 * overwrites the secret afterwards.
 *
 * If the secret cannot be opened, the answer is `wallet_unavailable`: nothing was signed. If the
 * provider refuses the newest credential, nothing was signed either, and the previous version is
 * tried while it is valid. Throws `invalid_input` if the address is not valid.
 */
export function vaultWallet(source: SecretSource, options: VaultWalletOptions): Wallet {
  const { secret, address, wallet } = options
  assertWalletAddress(address)
  return {
    families: ['evm'],
    address: async () => address,
    async sign(request) {
      assertOwnRequest(request, address, `vault.wallet of ${secret}`)
      let result: SignResult = walletNotSignedExpired(`${secret} has no valid version`)
      try {
        for await (const opened of openSourceVersions(source, secret, [
          'payment',
          'cancellation',
        ])) {
          result = await signWithWalletVersion({ secret, address, wallet }, opened, request)
          if (!('notSigned' in result) || result.notSigned !== 'credential_expired') break
        }
        return result
      } catch (error) {
        if (error instanceof NotOpened) return walletNotSignedUnavailable(error.message)
        throw error
      }
    },
  }
}

async function signWithWalletVersion(
  options: VaultWalletOptions,
  opened: OpenedVersion,
  request: SignRequest,
): Promise<SignResult> {
  const wallet = await makeWallet(options, opened)
  const result = 'notSigned' in wallet ? wallet : await wallet.sign(request)
  // A wallet may read its fields while it signs, and report only that its credentials failed.
  const hasNotSigned = 'notSigned' in result && notSignedCodes.includes(result.notSigned)
  if (!hasNotSigned || !opened.isInvalid()) return result
  const { secret } = options
  return walletNotSignedExpired(
    `${secret}: version ${opened.version} lacks a field that the wallet reads`,
  )
}

/** Creates the wallet, or returns the reason why there is none. Nothing has been signed by then. */
async function makeWallet(
  { wallet, address, secret }: VaultWalletOptions,
  { version, secret: opened }: OpenedVersion,
): Promise<Wallet | NotSigned> {
  try {
    const made = wallet(opened)
    const own = await made.address('evm')
    if (own.toLowerCase() === address.toLowerCase()) return made
    return walletNotSignedUnavailable(
      `version ${version} of ${secret} belongs to ${own}, not to ${address}`,
    )
  } catch (error) {
    const code = BursarError.isInstance(error) ? error.code : undefined
    if (code === 'wallet_unavailable') return walletNotSignedUnavailable(`${secret}: ${code}`)
    // A value that creates no wallet is a bad credential. The thrown error is dropped: it may quote it.
    return walletNotSignedExpired(
      `${secret}: version ${version} creates no wallet${code ? `: ${code}` : ''}`,
    )
  }
}

function walletNotSignedUnavailable(reason: string): NotSigned {
  return { notSigned: 'wallet_unavailable', reason }
}

function walletNotSignedExpired(reason: string): NotSigned {
  return { notSigned: 'credential_expired', reason }
}

function assertWalletAddress(address: unknown): void {
  if (typeof address === 'string' && /^0x[0-9a-fA-F]{40}$/.test(address)) return
  const rule = 'must be the address of the wallet, 0x and 40 hex digits'
  throw new BursarError('invalid_input', `vault.wallet: address: ${rule}.`)
}
