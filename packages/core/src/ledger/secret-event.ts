import type { PaymentSubject } from './payment.ts'
import type { SecretOpening, SigningPurpose } from './secret-opening.ts'

/**
 * A secret is about to be opened or changed. It is recorded first, so that neither is without its record;
 * what could not be done afterwards has one as well.
 */
export type SecretEvent = SecretChange | SecretOpened

type SecretOpened = SecretOpening & { readonly type: 'secret-opened' } & (
    | (PaymentSubject & {
        /** For a signature of the payment, or of its cancellation. */
        readonly purpose: SigningPurpose
      })
    | {
        /** To grant, read or withdraw the provider's permission of a delegation. */
        readonly purpose: 'permission'
        readonly delegation: string
        readonly endUser: string
      }
    | {
        /** For a link to the provider's page where an end user pays in. */
        readonly purpose: 'funding'
        readonly instrument: string
        readonly endUser: string
      }
  )
/** What is about to be changed in a vault: which version of which secret, and never its value. */
export interface SecretChange extends SecretOpening {
  readonly type: 'secret-added' | 'secret-rotated' | 'secret-rewrapped' | 'secret-removed'
}
