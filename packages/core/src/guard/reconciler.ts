/** The outcome of one run of the reconciler, in numbers of payments. */
export interface Reconciliation {
  readonly settled: number
  readonly released: number
  /** Payments whose outcome cannot be proved yet. */
  readonly open: number
  /** Payments whose rail could not be asked; their holds stay. */
  readonly unreachable: number
}

/**
 * The part that turns claims and doubts into proof. Only proof ends the hold of a signed payment.
 */
export interface Reconciler {
  /** Asks the rails about all unproven payments. Concurrent runs are harmless. */
  run(): Promise<Reconciliation>
  /**
   * Reconciles one delegation. Callers within two seconds share one run, so that rails are not
   * flooded.
   */
  soon(delegation: string): Promise<Reconciliation>
}
