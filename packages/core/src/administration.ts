import type { Asset } from './asset.ts'
import { BursarError } from './errors.ts'
import type { Guard } from './guard.ts'
import { nameField, parseInput } from './input.ts'
import type { Instrument } from './instrument.ts'
import type { Change, LedgerState } from './store.ts'

/** Registers instruments with their owners. It can neither pay nor create sessions. */
export interface Administration {
  /**
   * Makes a wallet known under a handle, as one end user's. Its owner is recorded once: another
   * one is refused with `instrument_taken`, in this process and in every later one.
   */
  registerInstrument(handle: string, instrument: Instrument): Promise<void>
  instruments(): Promise<readonly InstrumentSummary[]>
  /** The assets that may be paid in. */
  assets(): readonly Asset[]
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
    assets: () => guard.assets,
  }
}

/** Records the owner of an instrument, and lets the guard sign with it. */
export async function register(guard: Guard, given: string, instrument: Instrument): Promise<void> {
  const handle = parseInput(nameField, given, 'registerInstrument: handle')
  const endUser = parseInput(nameField, instrument?.endUser, `instrument ${handle}: endUser`)
  const { wallet } = instrument
  if (typeof wallet?.sign !== 'function' || typeof wallet.address !== 'function') {
    throw new BursarError('invalid_input', `instrument ${handle}: wallet: is not a wallet.`)
  }
  await guard.store.commit(
    { instrument: handle },
    (state, now) => registered(state, handle, endUser, now),
    'now',
  )
  guard.instruments.set(handle, { endUser, wallet })
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
