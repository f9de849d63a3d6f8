/** The kind of a signature: of a payment, or of its cancellation. */
export type SigningPurpose = 'payment' | 'cancellation'

/** The name and version of a secret that is opened. */
export interface SecretOpening {
  readonly secret: string
  readonly version: string
}
