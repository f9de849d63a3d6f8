import type { CancelAnswer } from '../ports/rail.ts'

/** One payment whose cancellation was asked for, and the result. */
export interface CancelledPayment {
  readonly id: string
  /**
   * `asked`: the network was; whether a settlement came first, only proof says. `refused`: there is
   * nothing to cancel, or it may not be. `unavailable`: there is no way to ask, and nothing was
   * sent. `unknown`: asking failed, and it may have reached the network; ask again.
   */
  readonly outcome: CancelAnswer['outcome'] | 'unknown'
  readonly reason?: string
  /** The transaction of the cancellation, for people to look it up. */
  readonly transaction?: string
}

/** The result of asking a network to cancel one payment. */
export type CancellationAnswer = Omit<CancelledPayment, 'id'>
