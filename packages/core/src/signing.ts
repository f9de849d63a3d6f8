import { AsyncLocalStorage } from 'node:async_hooks'
import { z } from 'zod'
import { BursarError } from './errors.ts'
import { parseInput } from './input.ts'

/** A signature that is being made, as a vault sees it that opens a secret for the wallet. */
export interface Signing {
  readonly payment: string
  /** Whether the payment is signed, after its token was redeemed, or its cancellation. */
  readonly purpose: SigningPurpose
  /**
   * Records, durably, that a secret is opened for this signature: to be awaited before it is opened.
   * Throws what the store throws, `invalid_input`, or `signing_over`, and then nothing may be opened.
   */
  recordOpening(opening: SecretOpening): Promise<void>
}

export type SigningPurpose = 'payment' | 'cancellation'

/** Which secret is opened: its name and its version, never more. */
export interface SecretOpening {
  readonly secret: string
  readonly version: string
}

/** Longest name of a secret or of a version: services that keep secrets name them by long paths. */
const MAX_OPENING_LENGTH = 512

const openingField = z
  .string()
  .min(1)
  .max(MAX_OPENING_LENGTH)
  .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces')

const openingInput = z.strictObject({ secret: openingField, version: openingField })

const current = new AsyncLocalStorage<Signing>()

/**
 * The signature that the calling code makes: defined only below `Wallet.sign`, while the guard's
 * gateway waits for its answer. A vault opens a secret for it, records that first, and opens nothing
 * anywhere else.
 */
export function currentSigning(): Signing | undefined {
  return current.getStore()
}

/** Lets a wallet sign: what it does meanwhile, and nothing later, may open secrets for it. */
export async function duringSigning<Result>(
  { payment, purpose }: Pick<Signing, 'payment' | 'purpose'>,
  record: (opening: SecretOpening) => Promise<unknown>,
  work: () => Promise<Result>,
): Promise<Result> {
  let isOver = false
  const assertGoesOn = (): void => {
    if (isOver) throw new BursarError('signing_over', `Nobody waits for ${payment} to be signed.`)
  }
  const signing: Signing = {
    payment,
    purpose,
    async recordOpening(given) {
      const opening = parseInput(openingInput, given, 'recordOpening')
      assertGoesOn()
      await record(opening)
      // A record may take its time: what comes too late is recorded, and still not opened.
      assertGoesOn()
    },
  }
  try {
    return await current.run(signing, work)
  } finally {
    isOver = true
  }
}
