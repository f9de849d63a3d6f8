import type { Auditing } from '../audit/auditing.ts'
import type { EndUser } from '../facets/end-user.ts'
import type { Management } from '../facets/management.ts'
import type { AskInput } from '../ledger/approval.ts'
import type { LimitsInput } from '../money/limits.ts'
import type { PaymentSession } from '../session/payment-session.ts'

/**
 * What the shops of a paid world have. Everything that costs something costs one cent.
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
  /** Where an item is sold; with another name, the same item as another resource. */
  url(item: ShopItem, name: string): string
  /**
   * Calls once, before the next request goes to a shop: the first one of a call asks, and pays
   * nothing; one that is `paying` carries a signed payment.
   */
  before(moment: 'asking' | 'paying', then: () => void): void
  /** How many payments have been signed and handed to a shop so far, whatever came of them. */
  signed(): Promise<number>
  /** How many times money has moved so far, by the chain. */
  moved(): Promise<number>
  /** Lets time pass, for the guard and the chain alike. */
  advance(ms: number): Promise<void>
  /**
   * Texts that nobody outside the guard may ever see, 20 characters or longer: tokens, keys,
   * signatures so far, addresses, a policy's reason.
   */
  secrets(): readonly string[]
  /** Waits for what is under way, and closes the guard; what was counted can still be asked. */
  close(): Promise<void>
}

/** What a session may be opened with; limits are one dollar in all if not given. */
export interface PaidSessionOptions {
  readonly limits?: LimitsInput
  readonly ask?: AskInput
}

/** A session, and the facets that speak about it. */
export interface PaidSession {
  readonly id: string
  readonly session: PaymentSession
  readonly delegation: string
  /** The same session from its token, as another request of an application would have it. */
  again(): PaymentSession
  readonly endUser: EndUser
  readonly management: Management
  readonly auditing: Auditing
}
