import {
  assertOwnRequest,
  BursarError,
  currentSigning,
  type Signing,
  type SignRequest,
  type SignResult,
  type Wallet,
} from '@bursar/core'
import { type OpenedSecret, openedSecret } from './opened-secret.ts'
import type { SecretSource, SecretVersion } from './secret-source.ts'

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

/**
 * Opens the secret for each signature that the guard's gateway asks for, records that first, and
 * forgets the secret with the answer.
 *
 * Whatever keeps it from opening is `wallet_unavailable`: nothing was signed. Where the provider
 * refuses the newest credential, the one before it is tried while it is good: the refusal proves
 * that nothing was signed.
 */
export function vaultWallet(source: SecretSource, options: VaultWalletOptions): Wallet {
  const { secret, address, wallet } = validated(options)
  return {
    families: ['evm'],
    address: async () => address,
    async sign(request) {
      assertOwnRequest(request, address, `vault.wallet of ${secret}`)
      const signing = currentSigning()
      if (!signing) {
        return unavailable(`${secret} is opened for a payment of the guard, and for nothing else`)
      }
      const versions = await source.versions(secret).catch(toNotSigned(secret))
      if ('notSigned' in versions) return versions
      let result: SignResult = expired(`${secret} has no version that is good now`)
      for (const version of versions) {
        result = await signWith({ signing, version, secret, address, wallet }, request)
        if (!('notSigned' in result) || result.notSigned !== 'credential_expired') return result
      }
      return result
    },
  }
}

interface Opening extends VaultWalletOptions {
  readonly signing: Signing
  readonly version: SecretVersion
}

async function signWith(opening: Opening, request: SignRequest): Promise<SignResult> {
  const { signing, version, secret } = opening
  const record = { secret, version: version.version }
  const value = await signing
    .recordOpening(record)
    .then(() => version.open())
    .catch(toNotSigned(secret))
  if ('notSigned' in value) return value
  const opened = openedSecret(secret, value)
  try {
    const wallet = await madeWith(opening, opened.secret)
    const result = 'notSigned' in wallet ? wallet : await wallet.sign(request)
    // A wallet may read its fields late, and tell only that it could not fetch its credentials.
    if ('signature' in result || !opened.isInvalid()) return result
    return expired(`${secret}: version ${version.version} has not the fields that the wallet reads`)
  } finally {
    opened.forget()
  }
}

/** The wallet, or why there is none: up to here nobody has been asked to sign. */
async function madeWith(
  { wallet, address, secret, version }: Opening,
  opened: OpenedSecret,
): Promise<Wallet | NotSigned> {
  try {
    const made = wallet(opened)
    const own = await made.address('evm')
    if (own.toLowerCase() === address.toLowerCase()) return made
    return unavailable(`version ${version.version} of ${secret} is of ${own}, not of ${address}`)
  } catch (error) {
    const code = BursarError.isInstance(error) ? error.code : undefined
    if (code === 'wallet_unavailable') return unavailable(`${secret}: ${code}`)
    // What makes no wallet is no credential. What was thrown may quote it.
    return expired(
      `${secret}: version ${version.version} makes no wallet${code ? `: ${code}` : ''}`,
    )
  }
}

function toNotSigned(secret: string): (error: unknown) => NotSigned {
  return (error) => {
    // Ours say what is wrong, and quote nothing. What others throw may.
    const told = BursarError.isInstance(error) ? `${error.code}: ${error.message}` : 'it failed'
    return unavailable(`${secret} could not be opened: ${told}`)
  }
}

function unavailable(reason: string): NotSigned {
  return { notSigned: 'wallet_unavailable', reason }
}

function expired(reason: string): NotSigned {
  return { notSigned: 'credential_expired', reason }
}

function validated(options: VaultWalletOptions): VaultWalletOptions {
  const { secret, address, wallet } = options
  if (typeof secret !== 'string' || secret === '') throw invalid('secret', 'must be its name')
  if (typeof address !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(address)) {
    throw invalid('address', 'must be the address of the wallet, 0x and 40 hex digits')
  }
  if (typeof wallet !== 'function') throw invalid('wallet', 'must be a function')
  return { secret, address, wallet }
}

function invalid(field: string, rule: string): BursarError {
  return new BursarError('invalid_input', `vault.wallet: ${field}: ${rule}.`)
}
