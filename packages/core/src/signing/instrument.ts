import type { Asset } from '../money/asset.ts'
import type { Permissions } from '../ports/permissions.ts'
import type { Rail } from '../ports/rail.ts'
import type { Wallet } from '../ports/wallet.ts'
import { withinDeadline } from '../primitives/deadline.ts'
import { BursarError } from '../primitives/errors.ts'

/** A wallet that belongs to one end user, known to everyone else by its handle. */
export interface Instrument {
  readonly endUser: string
  readonly wallet: Wallet
  /** The provider's own permissions: then each delegation gets one, and gives it back when revoked. */
  readonly permissions?: Permissions | undefined
  /** Makes a link to the provider's page where its end user pays in. An https URL; it holds no secret. */
  readonly fundingLink?: ((address: string) => Promise<string>) | undefined
}

/** The time for which a balance is cached. It informs a decision, and never decides alone. */
const BALANCE_CACHE_MS = 3_000

/** A wallet or a node that does not answer within this time is not available. */
const ANSWER_TIMEOUT_MS = 10_000

/** The most cached balances: more assets and addresses than are in use at the same time. */
const MAX_CACHED_BALANCES = 1_000

/** The instruments of a guard: their addresses, and what they hold. */
export class Instruments {
  readonly #byHandle = new Map<string, Instrument>()
  readonly #addresses = new Map<string, string>()
  readonly #balances = new Map<string, { readonly atomic: bigint; readonly at: number }>()
  readonly #reading = new Map<string, Promise<bigint>>()

  get(handle: string): Instrument | undefined {
    return this.#byHandle.get(handle)
  }

  set(handle: string, instrument: Instrument): void {
    this.#byHandle.set(handle, instrument)
    this.#addresses.delete(handle)
  }

  entries(): readonly (readonly [string, Instrument])[] {
    return [...this.#byHandle]
  }

  /** The instrument's wallet. Throws `wallet_unavailable` if it is not known in this process. */
  wallet(handle: string): Wallet {
    const instrument = this.#byHandle.get(handle)
    if (instrument) return instrument.wallet
    throw new BursarError('wallet_unavailable', `There is no instrument called ${handle}.`)
  }

  /** The instrument's address, lower case. Throws `wallet_unavailable` if it has none to tell. */
  async address(handle: string): Promise<string> {
    const known = this.#addresses.get(handle)
    if (known !== undefined) return known
    const address = (
      await withinDeadline(this.wallet(handle).address('evm'), ANSWER_TIMEOUT_MS)
    ).toLowerCase()
    this.#addresses.set(handle, address)
    return address
  }

  /**
   * Returns the balance of an address in atomic units, at most some seconds old. Calls at the same time share one
   * read, which `run` may bound.
   */
  async balance(
    rail: Rail,
    asset: Asset,
    address: string,
    run: (read: () => Promise<bigint>) => Promise<bigint>,
  ): Promise<bigint> {
    const name = `${asset.network} ${asset.address} ${address}`
    const cached = this.#balances.get(name)
    if (cached && performance.now() - cached.at < BALANCE_CACHE_MS) return cached.atomic
    const shared = this.#reading.get(name)
    if (shared !== undefined) return shared
    const reading = run(() => withinDeadline(rail.balance(asset, address), ANSWER_TIMEOUT_MS))
    this.#reading.set(name, reading)
    try {
      const atomic = await reading
      if (this.#balances.size >= MAX_CACHED_BALANCES) this.#balances.clear()
      this.#balances.set(name, { atomic, at: performance.now() })
      return atomic
    } finally {
      this.#reading.delete(name)
    }
  }
}
