import type { PaymentSubject } from './payment.ts'
import type { SecretOpening, SigningPurpose } from './secret-opening.ts'

/**
 * An event of a vault: a secret is about to be opened or changed. The record comes first, so an attempt that
 * then fails is recorded, too.
 */
export type SecretEvent = SecretChange | SecretOpened

type SecretOpened = SecretOpening & { readonly type: 'secret-opened' } & (
    | (PaymentSubject & {
        /** The signature of the payment, or of its cancellation. */
        readonly purpose: SigningPurpose
      })
    | {
        /** The provider's permission of a delegation, to grant, read or withdraw it. */
        readonly purpose: 'permission'
        readonly delegation: string
        readonly endUser: string
      }
    | {
        /** A link to the provider's page where the end user pays in. */
        readonly purpose: 'funding'
        readonly instrument: string
        readonly endUser: string
      }
  )

/** An event of a vault: one version of a secret is about to be changed. It never holds the value. */
export interface SecretChange extends SecretOpening {
  readonly type: 'secret-added' | 'secret-rotated' | 'secret-rewrapped' | 'secret-removed'
}
