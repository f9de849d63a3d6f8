import {
  type ArchiveInput,
  type ArchiveResult,
  archiveSessions,
} from '../archive/archive-sessions.ts'
import type { Guard } from '../guard/guard.ts'
import type { Change, LedgerState } from '../ledger/ledger-state.ts'
import type { SecretChange } from '../ledger/secret-event.ts'
import type { Asset } from '../money/asset.ts'
import type { Permissions } from '../ports/permissions.ts'
import { BursarError } from '../primitives/errors.ts'
import { nameField, parseInputFields } from '../primitives/fields.ts'
import type { Instrument } from '../signing/instrument.ts'
import { createKeys, type Keys } from './keys.ts'
import { recordSecretChanges } from './secret-changes.ts'

/**
 * A facet for the administrator: registers instruments with their owners, issues keys, archives sessions, and
 * records changes of secrets. It can neither pay nor create sessions.
 */
export interface Administration extends Keys {
  /**
   * Registers a wallet of an end user under a handle. The first owner of a handle is recorded for good.
   * Throws `invalid_input`, and `instrument_taken` if the handle belongs to another end user.
   */
  registerInstrument(handle: string, instrument: Instrument): Promise<void>
  /** Lists the instruments that this process has registered. */
  instruments(): Promise<readonly InstrumentSummary[]>
  /**
   * Writes sessions that have ended, with all below them, into an archive, and removes them from the
   * ledger: rows, bought content, and the bodies of their records, of which the hashes stay. Sessions with
   * open holds stay. Throws `invalid_input`, any error of `keep`, and `archive_not_kept` if `keep` resolves
   * before it has read every line.
   */
  archive(input: ArchiveInput): Promise<ArchiveResult>
  /** Returns the assets that may be paid in. */
  assets(): readonly Asset[]
  /**
   * Records that secrets of a vault are about to change. A vault calls it before each change, and changes
   * nothing if it throws. Throws `invalid_input`.
   */
  recordSecretChanges(changes: readonly SecretChange[]): Promise<void>
}

/** An instrument as administrators read it. */
export interface InstrumentSummary {
  /** The handle that the instrument is registered under. */
  readonly handle: string
  /** The end user who owns the instrument. */
  readonly endUser: string
  /** The wallet's address; absent if the wallet can't be reached now. */
  readonly address?: string
}

/** Creates the administrator's facet. */
export function createAdministration(guard: Guard, ready: () => Promise<void>): Administration {
  return {
    registerInstrument: async (handle, instrument) => {
      await ready()
      await registerInstrument(guard, handle, instrument)
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
      return archiveSessions(guard.store, input)
    },
    assets: () => guard.assets,
    recordSecretChanges: async (changes) => {
      await ready()
      await recordSecretChanges(guard.store, changes)
    },
    ...createKeys(guard, ready),
  }
}

/** Parses an instrument and its handle. Throws `invalid_input` that names the handle and the field. */
export function parseInstrument(
  given: string,
  instrument: Instrument,
): Instrument & { readonly handle: string } {
  const handle = parseInputFields(nameField, given, 'registerInstrument: handle')
  const endUser = parseInputFields(nameField, instrument?.endUser, `instrument ${handle}: endUser`)
  const { wallet, permissions, fundingLink } = instrument
  if (typeof wallet?.sign !== 'function' || typeof wallet.address !== 'function') {
    throw new BursarError(
      'invalid_input',
      `instrument ${handle}: wallet: is not a wallet. Make one with viemWallet({ account }), for example.`,
    )
  }
  if (permissions !== undefined && !isPermissionsAdapter(permissions)) {
    throw new BursarError('invalid_input', `instrument ${handle}: permissions: are none.`)
  }
  if (fundingLink !== undefined && typeof fundingLink !== 'function') {
    throw new BursarError('invalid_input', `instrument ${handle}: fundingLink: must be a function.`)
  }
  return { handle, endUser, wallet, permissions, fundingLink }
}

/** Records the owner of an instrument, and lets the guard sign with its wallet. */
export async function registerInstrument(
  guard: Guard,
  given: string,
  instrument: Instrument,
): Promise<void> {
  const { handle, endUser, ...parts } = parseInstrument(given, instrument)
  await guard.store.commit(
    { instrument: handle },
    (state, now) => recordInstrument(state, handle, endUser, now),
    'now',
  )
  guard.instruments.set(handle, { endUser, ...parts })
}

function isPermissionsAdapter(given: Partial<Permissions>): boolean {
  const { grant, read, revoke } = given
  return [grant, read, revoke].every((method) => typeof method === 'function')
}

function recordInstrument(
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
