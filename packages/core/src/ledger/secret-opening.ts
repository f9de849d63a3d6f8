export type SigningPurpose = 'payment' | 'cancellation'
/** Which secret is opened: its name and its version, never more. */
export interface SecretOpening {
  readonly secret: string
  readonly version: string
}
