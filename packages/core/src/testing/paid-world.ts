import type { Auditing } from '../audit/auditing.ts'
import type { EndUser } from '../facets/end-user.ts'
import type { Management } from '../facets/management.ts'
import type { AskInput } from '../ledger/approval.ts'
import type { LimitsInput } from '../money/limits.ts'
import type { PaymentSession } from '../session/payment-session.ts'

/**
 * An item of the shops in a paid world. An item that isn't free costs one cent.
 *
 * - `paid`: JSON, sold honestly
 * - `free`: JSON, for nothing
 * - `binary`: a file that is no text, sold honestly
 * - `repriced`: asks for more each time that it is asked
 * - `forbidden`: a policy denies it, for a reason that is among the secrets
 * - `in_doubt`: keeps the signed payment, and asks again
 * - `undelivered`: takes the money, and answers 500
 * - `orders`: delivers orders to the model, and marks like those of the fence
 * - `challenge_text`: for nothing, and its text is a challenge of every kind
 * - `malformed`: asks in a way that cannot be understood
 */
export type ShopItem =
  | 'paid'
  | 'free'
  | 'binary'
  | 'repriced'
  | 'forbidden'
  | 'in_doubt'
  | 'undelivered'
  | 'orders'
  | 'challenge_text'
  | 'malformed'

/** A guard with shops behind it, as the conformance suite of the adapters drives it. */
export interface PaidWorld {
  /** A session of a delegation of its own, for the end user `alice`, with every shop allowed. */
  openSession(options?: PaidSessionOptions): Promise<PaidSession>
  /** Returns the URL of an item. Each name is a resource of its own. */
  url(item: ShopItem, name: string): string
  /**
   * Calls a function once before the next request of a kind reaches a shop. A request that is `asking` carries
   * no payment, and one that is `paying` carries a signed payment.
   */
  before(moment: 'asking' | 'paying', then: () => void): void
  /** Returns the number of signed payments that shops received so far, whatever their outcome. */
  signed(): Promise<number>
  /** Returns the number of transfers on the chain so far. */
  moved(): Promise<number>
  /** Advances the clocks of the guard and of the chain. */
  advance(ms: number): Promise<void>
  /**
   * Returns texts of 20 characters or more that must not leave the guard: tokens, keys, signatures so far,
   * addresses, a policy's reason.
   */
  secrets(): readonly string[]
  /** Waits for calls in flight and closes the guard. `signed` and `moved` still answer after that. */
  close(): Promise<void>
}

/** The limits and the approval rule of a session. */
export interface PaidSessionOptions {
  /**
   * The session's limits.
   * @default one US dollar in total
   */
  readonly limits?: LimitsInput
  /**
   * The payments that need an approval.
   * @default no payment needs one
   */
  readonly ask?: AskInput
}

/** A session, with the facets of its guard. */
export interface PaidSession {
  readonly id: string
  readonly session: PaymentSession
  readonly delegation: string
  /** Opens the session from its token once more, as another request of an application would. */
  again(): PaymentSession
  readonly endUser: EndUser
  readonly management: Management
  readonly auditing: Auditing
}
