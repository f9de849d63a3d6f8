import { AsyncLocalStorage } from 'node:async_hooks'
import { z } from 'zod'
import type { SecretOpening, SigningPurpose } from '../ledger/secret-opening.ts'
import { BursarError } from '../primitives/errors.ts'
import { parseInputFields } from '../primitives/fields.ts'

/**
 * The reason for opening a secret: to sign a payment whose token was redeemed, or its cancellation; to
 * grant, read or withdraw a delegation's permission at the wallet provider; or to link to the
 * provider's page where the end user of an instrument pays in.
 */
export type SecretUse =
  | { readonly purpose: SigningPurpose; readonly payment: string }
  | { readonly purpose: 'permission'; readonly delegation: string }
  | { readonly purpose: 'funding'; readonly instrument: string }

/** A secret use in progress, as a vault sees it when it opens a secret. */
export type CurrentSecretUse = SecretUse & {
  /**
   * A signal that is aborted when the guard stops waiting. The vault then forgets opened secrets.
   */
  readonly over: AbortSignal
  /**
   * Records, durably, that a secret is opened for this use. Await it before you open the secret.
   * Throws the store's error, `invalid_input`, or `secret_use_over`; the secret must then stay
   * closed.
   */
  recordOpening(opening: SecretOpening): Promise<void>
}

/** A function that records the opening of a secret for the use in progress. */
export type RecordOpening = (opening: SecretOpening) => Promise<unknown>

/**
 * The longest name of a secret or of a version: services that keep secrets name them by long paths.
 */
const MAX_OPENING_LENGTH = 512

const openingField = z
  .string()
  .min(1)
  .max(MAX_OPENING_LENGTH)
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces')

/** The schemas of an opened secret's name and version, also used for recorded secret changes. */
export const secretOpeningFields: {
  readonly secret: z.ZodType<string>
  readonly version: z.ZodType<string>
} = { secret: openingField, version: openingField }

const openingInput = z.strictObject(secretOpeningFields)

const current = new AsyncLocalStorage<CurrentSecretUse>()

/**
 * Returns the use that the calling code may open a secret for. Returns undefined if the guard is not
 * waiting for a signature, for a provider's permission, or for a link to pay in by: a vault must then
 * refuse. A vault awaits `recordOpening` before it opens the secret.
 *
 * @example
 * ```ts
 * const use = currentSecretUse()
 * if (!use) throw new Error('No payment, permission or link needs this secret.')
 * await use.recordOpening({ secret: 'alice-key', version: '1' })
 * ```
 */
export function currentSecretUse(): CurrentSecretUse | undefined {
  return current.getStore()
}

/**
 * Runs a wallet's or provider's work as a secret use. Secrets can be opened until the work settles.
 */
export async function duringSecretUse<Result>(
  use: SecretUse,
  record: RecordOpening,
  work: () => Promise<Result>,
): Promise<Result> {
  const end = new AbortController()
  const over = end.signal
  const assertGoesOn = (): void => {
    if (over.aborted) throw useOver(`Nobody waits for the ${use.purpose} any more.`)
  }
  const going: CurrentSecretUse = {
    ...use,
    over,
    async recordOpening(given) {
      const opening = parseInputFields(openingInput, given, 'recordOpening')
      assertGoesOn()
      await record(opening)
      // A record may take its time: what comes too late is recorded, and still not opened.
      assertGoesOn()
    },
  }
  try {
    return await current.run(going, work)
  } finally {
    end.abort()
  }
}

/** The one error for what may not open a secret any more. */
export function useOver(text: string): BursarError {
  return new BursarError('secret_use_over', text)
}
