import { type ArchiveInput, type ArchiveResult, archive } from '../archive/archive-sessions.ts'
import type { Guard } from '../guard/guard.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { SecretChange } from '../ledger/secret-event.ts'
import type { Asset } from '../money/asset.ts'
import type { Permissions } from '../ports/permissions.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, parseInput } from '../primitives/fields.ts'
import type { Instrument } from '../signing/instrument.ts'
import { createKeys, type Keys } from './keys.ts'
import { recordSecretChanges } from './secret-changes.ts'

/** Registers instruments with their owners, issues keys, and records who changes secrets. It can neither pay nor create sessions. */
export interface Administration extends Keys {
  /**
   * Makes a wallet known under a handle, as one end user's. Its owner is recorded once: another
   * one is refused with `instrument_taken`, in this process and in every later one.
   */
  registerInstrument(handle: string, instrument: Instrument): Promise<void>
  instruments(): Promise<readonly InstrumentSummary[]>
  /**
   * Writes sessions that have ended, with all below them, into an archive, and removes them from the
   * ledger: rows, bought content, and the bodies of their records, of which the hashes stay. What is
   * not proved yet stays. Throws `invalid_input`, what `keep` throws, and `archive_not_kept`.
   */
  archive(input: ArchiveInput): Promise<ArchiveResult>
  /** The assets that may be paid in. */
  assets(): readonly Asset[]
  /**
   * Records that secrets of a vault are about to be changed: a vault calls it before each change, and
   * changes nothing where it throws. Throws `invalid_input`.
   */
  recordSecretChanges(changes: readonly SecretChange[]): Promise<void>
}

export interface InstrumentSummary {
  readonly handle: string
  readonly endUser: string
  /** Absent where the wallet cannot tell it now. */
  readonly address?: string
}

export function createAdministration(guard: Guard, ready: () => Promise<void>): Administration {
  return {
    registerInstrument: async (handle, instrument) => {
      await ready()
      await register(guard, handle, instrument)
    },
    instruments: async () => {
      await ready()
      return Promise.all(
        guard.instruments.entries().map(async ([handle, { endUser }]) => {
          const address = await guard.instruments.address(handle).catch(() => undefined)
          return { handle, endUser, ...(address === undefined ? {} : { address }) }
        }),
      )
    },
    archive: async (input) => {
      await ready()
      return archive(guard.store, input)
    },
    assets: () => guard.assets,
    recordSecretChanges: async (changes) => {
      await ready()
      await recordSecretChanges(guard.store, changes)
    },
    ...createKeys(guard, ready),
  }
}

/** Records the owner of an instrument, and lets the guard sign with it. */
export async function register(guard: Guard, given: string, instrument: Instrument): Promise<void> {
  const handle = parseInput(nameField, given, 'registerInstrument: handle')
  const endUser = parseInput(nameField, instrument?.endUser, `instrument ${handle}: endUser`)
  const { wallet, permissions, fundingLink } = instrument
  if (typeof wallet?.sign !== 'function' || typeof wallet.address !== 'function') {
    throw new BursarError('invalid_input', `instrument ${handle}: wallet: is not a wallet.`)
  }
  if (permissions !== undefined && !isPermissions(permissions)) {
    throw new BursarError('invalid_input', `instrument ${handle}: permissions: are none.`)
  }
  if (fundingLink !== undefined && typeof fundingLink !== 'function') {
    throw new BursarError('invalid_input', `instrument ${handle}: fundingLink: must be a function.`)
  }
  await guard.store.commit(
    { instrument: handle },
    (state, now) => registered(state, handle, endUser, now),
    'now',
  )
  guard.instruments.set(handle, { endUser, wallet, permissions, fundingLink })
}

function isPermissions(given: Partial<Permissions>): boolean {
  const { grant, read, revoke } = given
  return [grant, read, revoke].every((method) => typeof method === 'function')
}

function registered(
  state: LedgerState,
  handle: string,
  endUser: string,
  now: number,
): Change<undefined> {
  const known = state.instrument
  if (known && known.endUser !== endUser) {
    throw new BursarError(
      'instrument_taken',
      `instrument ${handle}: belongs to ${known.endUser} since it was first registered.`,
    )
  }
  if (known) return { result: undefined, events: [] }
  return {
    result: undefined,
    instruments: [{ handle, endUser, registeredAt: now }],
    events: [{ type: 'instrument-registered', instrument: handle, endUser }],
  }
}
