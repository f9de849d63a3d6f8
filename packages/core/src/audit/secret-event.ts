import type { SecretOpening, SigningPurpose } from '../secret-use.ts'
import type { PaymentSubject } from './event.ts'

/** A secret is about to be opened: it is recorded first, so that there is no opening without its record. */
export type SecretEvent = SecretOpening & { readonly type: 'secret-opened' } & (
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
